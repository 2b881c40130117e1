{{/*
Serving as an InferenceService whose predictor is the room's own pod: KServe places and scales it, the rooms speak the
same gRPC to it. KServe gives its pods the labels below, by which the room's Service finds them.
*/}}
{{- define "ratchet.inference" -}}
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  {{- include "ratchet.metadata" . | nindent 2 }}
  annotations:
    {{- toYaml .root.Values.kserve.annotations | nindent 4 }}
spec:
  predictor:
    minReplicas: {{ .root.Values.kserve.minReplicas }}
    maxReplicas: {{ .root.Values.kserve.maxReplicas }}
    labels:
      {{- include "ratchet.labels" . | nindent 6 }}
    annotations:
      checksum/config: {{ include "ratchet.config.tables" . | sha256sum }}
    {{- include "ratchet.pod" . | nindent 4 }}
{{- end -}}
