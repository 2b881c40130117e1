{{/*
What the rooms are, which no value changes but training.launcher: the image of each, whom it calls, what it needs. docs/network.md is derived
from what this renders, and compared with what the code opens.
*/}}
{{- define "ratchet.facts" -}}
arena: {image: arena, calls: [], single: its sites live in memory}
trajectory: {image: control, calls: [], database: true, objects: true}
serving: {image: serving, calls: [trajectory], hub: true}
browser: {image: browser, calls: [], sites: true, shm: true}
scoring: {image: scoring, calls: [trajectory, browser, serving]}
curation: {image: control, calls: [scoring, trajectory, serving]}
{{- $job := ne .Values.training.launcher "process" }}
training: {image: training, calls: [trajectory], hub: true, cluster: {{ $job }}, objects: {{ $job }}, single: its jobs live in its data directory}
{{- if $job }}
worker: {image: training, calls: [], hub: true, objects: true, shm: true}
{{- end }}
rollout: {image: control, calls: [browser, serving, scoring, trajectory], arena: true, sites: true}
orchestrator: {image: control, calls: [rollout, trajectory, curation, training, scoring, serving], arena: true, database: true, client: true}
operator: {image: control, calls: [orchestrator], cluster: true, single: each SelfImprovement has one to answer for it}
{{- end -}}

{{/* Ports, by name. The arena has one for each site, so that each is an origin of its own. */}}
{{- define "ratchet.ports" -}}
grpc: 50051
health: 50052
metrics: 9090
liveness: 8080
v2: 8080
rendezvous: 29500
control: 8000
sites: {shopping: 8001, shopping_admin: 8002, reddit: 8003, gitlab: 8004, wikipedia: 8005}
miniwob: 8010
{{- end -}}

{{/* A room's values: rooms.<room> over defaults. Takes {root, name}. */}}
{{- define "ratchet.room" -}}
{{- mergeOverwrite (deepCopy .root.Values.defaults) (deepCopy (index .root.Values.rooms .name)) | toYaml -}}
{{- end -}}

{{/* Names of the rooms that this release runs, as a YAML list. */}}
{{- define "ratchet.names" -}}
{{- $names := list -}}
{{- range $name := keys (include "ratchet.facts" . | fromYaml) | sortAlpha -}}
{{- $optional := index $.Values $name -}}
{{- if or (not $optional) (not (hasKey $optional "enabled")) $optional.enabled -}}{{- $names = append $names $name -}}{{- end -}}
{{- end -}}
{{- $names | toYaml -}}
{{- end -}}
