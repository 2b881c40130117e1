{{/* Security of every pod and container: fit for the restricted Pod Security Standard. */}}
{{- define "ratchet.podSecurity" -}}
{runAsNonRoot: true, runAsUser: {{ . }}, runAsGroup: {{ . }}, fsGroup: {{ . }}, fsGroupChangePolicy: OnRootMismatch, seccompProfile: {type: RuntimeDefault}}
{{- end -}}
{{- define "ratchet.containerSecurity" -}}
{allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, runAsNonRoot: true, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}
{{- end -}}

{{/* How the kubelet asks a room: it has no certificate, and so a port of its own, which answers nothing else. */}}
{{- define "ratchet.probe" -}}
{{- $ports := include "ratchet.ports" .root | fromYaml -}}
{{- if eq .name "arena" -}}
httpGet: {path: /healthz, port: {{ $ports.control }}}
{{- else if eq .name "operator" -}}
httpGet: {path: /healthz, port: {{ $ports.liveness }}}
{{- else -}}
grpc: {port: {{ $ports.health }}}
{{- end -}}
{{- end -}}

{{/* A container's named ports. */}}
{{- define "ratchet.containerPorts" -}}
{{- $ports := include "ratchet.ports" .root | fromYaml -}}
{{- if eq .name "arena" -}}
- {name: control, containerPort: {{ $ports.control }}}
{{- range $site, $port := $ports.sites }}
- {name: {{ $site | replace "_" "-" }}, containerPort: {{ $port }}}
{{- end }}
- {name: miniwob, containerPort: {{ $ports.miniwob }}}
{{- else if eq .name "operator" -}}
- {name: liveness, containerPort: {{ $ports.liveness }}}
{{- else if eq .name "worker" -}}
- {name: rendezvous, containerPort: {{ $ports.rendezvous }}}
{{- else -}}
{{- if and (eq .name "serving") .root.Values.kserve.enabled -}}
# The first is the one that KServe's own address leads to.
- {name: http1, containerPort: {{ $ports.v2 }}}
{{ end -}}
- {name: {{ ternary "h2c" "grpc" (and (eq .name "serving") .root.Values.kserve.enabled) }}, containerPort: {{ $ports.grpc }}}
{{- end }}
{{- if ne .name "worker" }}
- {name: metrics, containerPort: {{ $ports.metrics }}}
{{- end }}
{{- end -}}

{{/* Where a pod may write, and what it is given to read. Takes {root, name, facts, room}. */}}
{{- define "ratchet.volumes" -}}
- name: home
  {{- if .room.home.size }}
  persistentVolumeClaim: {claimName: {{ include "ratchet.fullname" .root }}-{{ .name }}}
  {{- else }}
  emptyDir: {sizeLimit: {{ .room.home.limit }}}
  {{- end }}
- {name: tmp, emptyDir: {sizeLimit: 1Gi}}
{{- if .facts.shm }}
- {name: shm, emptyDir: {medium: Memory, sizeLimit: 512Mi}}
{{- end }}
{{- if and .facts.image (ne .name "worker") }}
- {name: config, configMap: {name: {{ include "ratchet.fullname" .root }}-{{ .name }}}}
{{- end }}
{{- if and .root.Values.tls.enabled (ne .name "worker") }}
- {name: tls, secret: {secretName: {{ include "ratchet.tls.secret" . }}, defaultMode: 0440}}
{{- end }}
{{- if .facts.cluster }}
# What automountServiceAccountToken would mount into every container.
- name: cluster
  projected:
    defaultMode: 0440
    sources:
      - serviceAccountToken: {path: token, expirationSeconds: 3607}
      - configMap: {name: kube-root-ca.crt, items: [{key: ca.crt, path: ca.crt}]}
      - downwardAPI: {items: [{path: namespace, fieldRef: {fieldPath: metadata.namespace}}]}
{{- end }}
{{- with .room.volumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "ratchet.mounts" -}}
- {name: home, mountPath: /var/lib/ratchet}
- {name: tmp, mountPath: /tmp}
{{- if .facts.shm }}
- {name: shm, mountPath: /dev/shm}
{{- end }}
{{- if and .facts.image (ne .name "worker") }}
- {name: config, mountPath: /etc/ratchet/config, readOnly: true}
{{- end }}
{{- if and .root.Values.tls.enabled (ne .name "worker") }}
- {name: tls, mountPath: /etc/ratchet/tls, readOnly: true}
{{- end }}
{{- if .facts.cluster }}
- {name: cluster, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
{{- end }}
{{- with .room.volumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Where and under what constraints a room's pods run. */}}
{{- define "ratchet.placement" -}}
topologySpreadConstraints:
  {{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "ratchet.selector" $ | nindent 8 }}
  {{- end }}
{{- range $key := list "nodeSelector" "tolerations" "affinity" "priorityClassName" "runtimeClassName" }}
{{- with index $.room $key }}
{{ $key }}: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{/* A room's pod. Takes {root, name, facts, room}. */}}
{{- define "ratchet.pod" -}}
serviceAccountName: {{ include "ratchet.fullname" .root }}-{{ .name }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - {name: {{ . }}}
  {{- end }}
{{- end }}
securityContext: {{ include "ratchet.podSecurity" 10001 }}
terminationGracePeriodSeconds: {{ add .room.drainSeconds 15 }}
{{ include "ratchet.placement" . }}
volumes:
  {{- include "ratchet.volumes" . | nindent 2 }}
containers:
  - name: {{ ternary "kserve-container" .name (and (eq .name "serving") .root.Values.kserve.enabled) }}
    image: {{ include "ratchet.image" (dict "root" .root "image" .facts.image) }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    args: [--config, /etc/ratchet/config/config.toml, serve, {{ .name }}]
    ports:
      {{- include "ratchet.containerPorts" . | nindent 6 }}
    env:
      {{- include "ratchet.environment" . | trim | nindent 6 }}
      {{- with .room.env }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
    startupProbe:
      {{- include "ratchet.probe" . | nindent 6 }}
      periodSeconds: 2
      failureThreshold: {{ div (add .room.startSeconds 1) 2 }}
    readinessProbe:
      {{- include "ratchet.probe" . | nindent 6 }}
      periodSeconds: 5
      timeoutSeconds: 3
    livenessProbe:
      {{- include "ratchet.probe" . | nindent 6 }}
      periodSeconds: 15
      timeoutSeconds: 10
      failureThreshold: 4
    # Callers hear of the end before the room does.
    lifecycle: {preStop: {exec: {command: [sleep, "5"]}}}
    resources:
      {{- toYaml .room.resources | nindent 6 }}
    securityContext: {{ include "ratchet.containerSecurity" . }}
    volumeMounts:
      {{- include "ratchet.mounts" . | nindent 6 }}
{{- end -}}

{{/* The template of a training Job's pods. They call no room, so they have no certificate. Takes {root, name, facts, room}. */}}
{{- define "ratchet.worker" -}}
metadata:
  labels:
    {{- include "ratchet.labels" . | nindent 4 }}
    {{- with .room.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .room.podAnnotations }}
  annotations: {{ toYaml . | nindent 4 }}
  {{- end }}
spec:
  subdomain: {{ include "ratchet.fullname" .root }}-worker
  serviceAccountName: {{ include "ratchet.fullname" .root }}-worker
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- with .root.Values.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - {name: {{ . }}}
    {{- end }}
  {{- end }}
  securityContext: {{ include "ratchet.podSecurity" 10001 }}
  terminationGracePeriodSeconds: {{ add .room.drainSeconds 15 }}
  {{- include "ratchet.placement" . | nindent 2 }}
  volumes:
    {{- include "ratchet.volumes" . | nindent 4 }}
  containers:
    - name: worker
      image: {{ include "ratchet.image" (dict "root" .root "image" .facts.image) }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      ports:
        {{- include "ratchet.containerPorts" . | nindent 8 }}
      env:
        {{- include "ratchet.environment" . | trim | nindent 8 }}
        {{- with .room.env }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      resources:
        {{- toYaml .room.resources | nindent 8 }}
      securityContext: {{ include "ratchet.containerSecurity" . }}
      volumeMounts:
        {{- include "ratchet.mounts" . | nindent 8 }}
{{- end -}}
