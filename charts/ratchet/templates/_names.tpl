{{- define "ratchet.fullname" -}}
{{- $base := default .Release.Name .Values.nameOverride -}}
{{- ternary $base (printf "%s-ratchet" $base) (contains "ratchet" $base) | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Labels that select a component's pods. Takes {root, name}. */}}
{{- define "ratchet.selector" -}}
app.kubernetes.io/name: ratchet
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end -}}

{{- define "ratchet.labels" -}}
{{ include "ratchet.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{/* Name and labels of a component's object. Takes {root, name}. */}}
{{- define "ratchet.metadata" -}}
name: {{ include "ratchet.fullname" .root }}-{{ .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "ratchet.labels" . | nindent 2 }}
{{- end -}}

{{/* DNS name of a component's Service. Takes {root, name}. */}}
{{- define "ratchet.host" -}}
{{ include "ratchet.fullname" .root }}-{{ .name }}.{{ .root.Release.Namespace }}.svc.{{ .root.Values.clusterDomain }}
{{- end -}}

{{/* host:port at which a room is dialled. */}}
{{- define "ratchet.address" -}}
{{ include "ratchet.host" . }}:{{ (include "ratchet.ports" .root | fromYaml).grpc }}
{{- end -}}

{{- define "ratchet.image" -}}
{{ .root.Values.image.registry }}/ratchet-{{ .image }}:{{ default .root.Chart.AppVersion .root.Values.image.tag }}
{{- end -}}

{{/* Name of the Secret that holds a password or keys: bundled, or the user's. */}}
{{- define "ratchet.secret" -}}
{{- if .root.Values.bundled.enabled -}}{{ include "ratchet.fullname" .root }}-{{ .name }}{{- else -}}{{ .existing }}{{- end -}}
{{- end -}}

{{- define "ratchet.database.url" -}}
{{- $database := .Values.database -}}
{{- $host := ternary (include "ratchet.host" (dict "root" . "name" "postgresql")) $database.host .Values.bundled.enabled -}}
postgresql+psycopg://{{ $database.user }}@{{ $host }}:{{ $database.port }}/{{ $database.name }}
{{- with $database.parameters }}?{{ . }}{{ end -}}
{{- end -}}

{{- define "ratchet.objects.endpoint" -}}
{{- if .Values.bundled.enabled -}}
http://{{ include "ratchet.host" (dict "root" . "name" "objects") }}:{{ .Values.bundled.objects.port }}
{{- else -}}{{ .Values.objects.endpoint }}{{- end -}}
{{- end -}}

{{- define "ratchet.objects.url" -}}
s3://{{ .Values.objects.bucket }}{{ with .Values.objects.prefix }}/{{ . }}{{ end }}
{{- end -}}
