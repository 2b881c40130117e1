{{/*
A room's configuration: where the others are, where it listens, its own table. Only its own: a browser pod, which sees
hostile pages, is told nothing else. Takes {root, name, facts, room}.
*/}}
{{- define "ratchet.config.tables" -}}
{{- $root := .root -}}{{- $ports := include "ratchet.ports" $root | fromYaml -}}
{{- $addresses := dict -}}
{{- range $called := .facts.calls -}}
{{- $_ := set $addresses $called (include "ratchet.address" (dict "root" $root "name" $called)) -}}
{{- end -}}
{{- $host := dict "metrics_host" "0.0.0.0" "metrics_port" $ports.metrics "log_level" .room.logLevel "drain_s" .room.drainSeconds -}}
{{- if $addresses -}}{{- $_ := set $host "addresses" $addresses -}}{{- end -}}
{{- $own := dict -}}
{{- if eq .name "arena" -}}
{{- $public := include "ratchet.host" . -}}
{{- $own = dict "host" "0.0.0.0" "public_host" $public "control_port" $ports.control "site_ports" $ports.sites "miniwob_port" $ports.miniwob -}}
{{- else if eq .name "operator" -}}
{{- $own = dict "namespace" $root.Release.Namespace "liveness" (printf "http://0.0.0.0:%v/healthz" $ports.liveness) -}}
{{- else -}}
{{- $_ := set $host "listen" (printf "0.0.0.0:%v" $ports.grpc) -}}
{{- $_ := set $host "health_listen" (printf "0.0.0.0:%v" $ports.health) -}}
{{- end -}}
{{- if and .facts.arena $root.Values.arena.enabled -}}
{{- $_ := set $own "arena_url" (printf "http://%s:%v" (include "ratchet.host" (dict "root" $root "name" "arena")) $ports.control) -}}
{{- end -}}
{{- if .facts.database -}}{{- $_ := set $own "database_url" (include "ratchet.database.url" $root) -}}{{- end -}}
{{- if eq .name "trajectory" -}}{{- $_ := set $own "blobs_url" (include "ratchet.objects.url" $root) -}}{{- end -}}
{{- if eq .name "orchestrator" -}}{{- $_ := set $own "workflow_database_url" (include "ratchet.database.url" $root) -}}{{- end -}}
{{- if and (eq .name "serving") $root.Values.kserve.enabled -}}
{{- $_ := set $own "v2_listen" (printf "0.0.0.0:%v" $ports.v2) -}}
{{- $_ := set $own "v2_name" (printf "%s-serving" (include "ratchet.fullname" $root)) -}}
{{- end -}}
{{- if and (eq .name "training") .facts.cluster -}}
{{- $given := $root.Values.training -}}
{{- $job := dict "files_url" (printf "%s/training" (include "ratchet.objects.url" $root)) "template" "/etc/ratchet/config/worker.json" -}}
{{- $_ := set $own "job" (merge $job (dict "namespace" $root.Release.Namespace "name" (include "ratchet.fullname" $root) "nodes" $given.nodes "queue" $given.queue)) -}}
{{- $_ := set $own "launcher" $given.launcher -}}{{- $_ := set $own "max_running" 16 -}}
{{- end -}}
{{- dict "host" $host .name (mergeOverwrite $own .room.settings) | toToml -}}
{{- end -}}

{{- define "ratchet.config" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "ratchet.metadata" . | nindent 2 }}
data:
  config.toml: |
    {{- include "ratchet.config.tables" . | trim | nindent 4 }}
  {{- if and (eq .name "training") .facts.cluster }}
  {{- $facts := include "ratchet.facts" .root | fromYaml }}
  {{- $worker := dict "root" .root "name" "worker" "facts" $facts.worker "room" (include "ratchet.room" (dict "root" .root "name" "worker") | fromYaml) }}
  worker.json: {{ include "ratchet.worker" $worker | fromYaml | toJson | quote }}
  {{- end }}
{{- end -}}

{{/* Environment of a room or a client of the rooms: what it may write, what it must not have in a ConfigMap. */}}
{{- define "ratchet.environment" -}}
- {name: RATCHET_HOME, value: /var/lib/ratchet}
- {name: HOME, value: /tmp}
- {name: HF_HOME, value: /var/lib/ratchet/huggingface}
{{- if eq .name "browser" }}
- {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
- {name: RATCHET_BROWSER__ADDRESS, value: "$(POD_IP):{{ (include "ratchet.ports" .root | fromYaml).grpc }}"}
{{- end }}
{{- if and (eq .name "serving") .root.Values.kserve.enabled }}
# What `ratchet kserve` deploys.
- {name: RATCHET_SERVING__DEPLOYED, valueFrom: {fieldRef: {fieldPath: "metadata.annotations['ratchet.dev/deployed']"}}}
{{- end }}
{{- if eq .name "orchestrator" }}
- {name: RATCHET_ORCHESTRATOR__EXECUTOR_ID, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
{{- end }}
{{- if and .root.Values.tls.enabled (ne .name "worker") }}
- {name: RATCHET_TLS__CERTIFICATE, value: /etc/ratchet/tls/tls.crt}
- {name: RATCHET_TLS__KEY, value: /etc/ratchet/tls/tls.key}
- {name: RATCHET_TLS__AUTHORITY, value: /etc/ratchet/tls/ca.crt}
{{- end }}
{{- if .facts.database }}
- name: PGPASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ include "ratchet.secret" (dict "root" .root "name" "postgresql" "existing" .root.Values.database.existingSecret) }}
      key: {{ ternary "password" .root.Values.database.passwordKey .root.Values.bundled.enabled }}
{{- end }}
{{- if .facts.objects }}
{{- $objects := .root.Values.objects }}
- {name: AWS_REGION, value: {{ $objects.region | quote }}}
{{- with include "ratchet.objects.endpoint" .root }}
- {name: AWS_ENDPOINT_URL, value: {{ . | quote }}}
{{- if hasPrefix "http://" . }}
- {name: AWS_ALLOW_HTTP, value: "true"}
{{- end }}
{{- end }}
{{- with include "ratchet.secret" (dict "root" .root "name" "objects" "existing" $objects.existingSecret) }}
- {name: AWS_ACCESS_KEY_ID, valueFrom: {secretKeyRef: {name: {{ . }}, key: {{ ternary "access-key" $objects.accessKeyKey $.root.Values.bundled.enabled }}}}}
- {name: AWS_SECRET_ACCESS_KEY, valueFrom: {secretKeyRef: {name: {{ . }}, key: {{ ternary "secret-key" $objects.secretKeyKey $.root.Values.bundled.enabled }}}}}
{{- end }}
{{- end }}
{{- end -}}
