{{/* The objects of a room; each takes {root, name, facts, room} and renders one or nothing. */}}

{{- define "ratchet.account" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "ratchet.metadata" . | nindent 2 }}
  {{- with .room.serviceAccount.annotations }}
  annotations: {{ toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
{{- end -}}

{{/*
What the operator does with its own kind, in its own namespace (finalizers are part of the resource that it patches), and
the training room with Jobs or TrainJobs.
*/}}
{{- define "ratchet.role" -}}
{{- if .facts.cluster }}
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  {{- include "ratchet.metadata" . | nindent 2 }}
rules:
  {{- if and (eq .name "training") (eq .root.Values.training.launcher "trainjob") }}
  - {apiGroups: [trainer.kubeflow.org], resources: [trainjobs], verbs: [create, get, list, delete]}
  - {apiGroups: [trainer.kubeflow.org], resources: [trainingruntimes], verbs: [create]}
  {{- else if eq .name "training" }}
  - {apiGroups: [batch], resources: [jobs], verbs: [create, get, delete]}
  {{- else }}
  - {apiGroups: [ratchet.dev], resources: [selfimprovements], verbs: [get, list, watch, patch]}
  - {apiGroups: [ratchet.dev], resources: [selfimprovements/status], verbs: [patch]}
  - {apiGroups: [""], resources: [events], verbs: [create]}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "ratchet.binding" -}}
{{- if .facts.cluster }}
{{- $name := printf "%s-%s" (include "ratchet.fullname" .root) .name }}
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  {{- include "ratchet.metadata" . | nindent 2 }}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: {{ $name }}}
subjects: [{kind: ServiceAccount, name: {{ $name }}, namespace: {{ .root.Release.Namespace }}}]
{{- end }}
{{- end -}}

{{/* Headless, so that a caller's round_robin sees every pod; the arena has an address, which browsers keep. */}}
{{- define "ratchet.service" -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "ratchet.metadata" . | nindent 2 }}
spec:
  {{- if ne .name "arena" }}
  clusterIP: None
  {{- end }}
  {{- if eq .name "worker" }}
  publishNotReadyAddresses: true
  {{- end }}
  selector:
    {{- include "ratchet.selector" . | nindent 4 }}
  ports:
    {{- range $port := include "ratchet.containerPorts" . | fromYamlArray }}
    - {name: {{ $port.name }}, protocol: TCP, port: {{ $port.containerPort }}, targetPort: {{ $port.name }}{{ if has $port.name (list "grpc" "h2c") }}, appProtocol: kubernetes.io/h2c{{ end }}}
    {{- end }}
{{- end -}}

{{- define "ratchet.claim" -}}
{{- with .room.home.size }}
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  {{- include "ratchet.metadata" $ | nindent 2 }}
spec:
  accessModes: [ReadWriteOnce]
  {{- with $.room.home.storageClass }}
  storageClassName: {{ . }}
  {{- end }}
  resources: {requests: {storage: {{ . }}}}
{{- end }}
{{- end -}}

{{- define "ratchet.template" -}}
metadata:
  labels:
    {{- include "ratchet.labels" . | nindent 4 }}
    {{- with .room.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    checksum/config: {{ include "ratchet.config" . | sha256sum }}
    {{- with .room.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- include "ratchet.pod" . | nindent 2 }}
{{- end -}}

{{/* A room that must not run twice, or whose volume only one pod can have, is replaced, not rolled. */}}
{{- define "ratchet.workload" -}}
{{- if and (eq .name "serving") .root.Values.kserve.enabled }}
{{- include "ratchet.inference" . }}
{{- else }}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "ratchet.metadata" . | nindent 2 }}
spec:
  {{- if eq .room.autoscaling.kind "none" }}
  replicas: {{ .room.replicas }}
  {{- end }}
  {{- if or .facts.single .room.home.size }}
  strategy: {type: Recreate}
  {{- else }}
  strategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}
  {{- end }}
  revisionHistoryLimit: 3
  progressDeadlineSeconds: {{ add .room.startSeconds .room.drainSeconds 300 }}
  selector:
    matchLabels:
      {{- include "ratchet.selector" . | nindent 6 }}
  template:
    {{- include "ratchet.template" . | nindent 4 }}
{{- end }}
{{- end -}}

{{- define "ratchet.budget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "ratchet.metadata" . | nindent 2 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      {{- include "ratchet.selector" . | nindent 6 }}
{{- end -}}

{{- define "ratchet.scaling" -}}
{{- $scaling := .room.autoscaling -}}
{{- $target := dict "apiVersion" "apps/v1" "kind" "Deployment" "name" (printf "%s-%s" (include "ratchet.fullname" .root) .name) -}}
{{- if eq $scaling.kind "hpa" -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  {{- include "ratchet.metadata" . | nindent 2 }}
spec:
  scaleTargetRef: {{ $target | toJson }}
  minReplicas: {{ $scaling.min }}
  maxReplicas: {{ $scaling.max }}
  metrics:
    - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: {{ $scaling.cpuPercent }}}}}
  # Episodes take minutes; a pod that goes takes them with it unless it may drain.
  behavior: {scaleDown: {stabilizationWindowSeconds: 600, policies: [{type: Pods, value: 1, periodSeconds: 60}]}}
{{- else if eq $scaling.kind "keda" -}}
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  {{- include "ratchet.metadata" . | nindent 2 }}
spec:
  scaleTargetRef: {{ $target | toJson }}
  minReplicaCount: {{ $scaling.min }}
  maxReplicaCount: {{ $scaling.max }}
  cooldownPeriod: 600
  triggers:
    - type: prometheus
      metadata:
        serverAddress: {{ $scaling.keda.serverAddress | quote }}
        query: {{ $scaling.keda.query | quote }}
        threshold: {{ $scaling.keda.threshold | quote }}
{{- end -}}
{{- end -}}
