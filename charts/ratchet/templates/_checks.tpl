{{/* Mistakes that a schema cannot see: each stops the install, says what is wrong and what to do. */}}
{{- define "ratchet.checks" -}}
{{- $values := .Values -}}
{{- range $part := list "database" "objects" -}}
{{- $place := index (dict "database" "host" "objects" "endpoint") $part -}}
{{- if and $values.bundled.enabled (index $values $part $place) -}}
{{- fail (printf "bundled.enabled brings its own %s, but %s.%s names another; leave one of them out" $part $part $place) -}}
{{- end -}}
{{- end -}}
{{- if $values.bundled.enabled -}}
{{- if lt (len $values.bundled.password) 8 -}}
{{- fail "bundled.password has fewer than 8 characters; set one for the bundled PostgreSQL and object store, e.g. --set bundled.password=$(openssl rand -hex 16)" -}}
{{- end -}}
{{- else if not $values.database.host -}}
{{- fail "database.host is empty; name your PostgreSQL, or set bundled.enabled=true to try things out (not for production)" -}}
{{- else if not $values.database.existingSecret -}}
{{- fail "database.existingSecret is empty; name the Secret that holds the password of PostgreSQL: kubectl create secret generic ratchet-database --from-literal=password=..." -}}
{{- end -}}
{{- if $values.tls.enabled -}}
{{- if and (not $values.tls.existingSecret) (not $values.tls.certManager.enabled) -}}
{{- fail "tls.enabled needs certificates; name a Secret with tls.crt, tls.key and ca.crt in tls.existingSecret, or set tls.certManager.enabled=true" -}}
{{- end -}}
{{- if and $values.tls.certManager.enabled (not $values.tls.certManager.issuerRef.name) -}}
{{- fail "tls.certManager.issuerRef.name is empty; name the cert-manager issuer that signs the rooms' certificates" -}}
{{- end -}}
{{- end -}}
{{- range $name, $facts := include "ratchet.facts" . | fromYaml -}}
{{- $room := include "ratchet.room" (dict "root" $ "name" $name) | fromYaml -}}
{{- with $facts.single -}}
{{- if or (gt (int $room.replicas) 1) (ne $room.autoscaling.kind "none") -}}
{{- fail (printf "rooms.%s runs in one pod because %s; leave its replicas at 1 and its autoscaling.kind at none" $name .) -}}
{{- end -}}
{{- end -}}
{{- if and $room.home.size (or (gt (int $room.replicas) 1) (ne $room.autoscaling.kind "none")) -}}
{{- fail (printf "rooms.%s.home.size asks for a volume that only one pod can mount; leave it empty, or replicas at 1" $name) -}}
{{- end -}}
{{- if and (eq $name "worker") $room.home.size -}}
{{- fail "rooms.worker.home.size asks for one volume, but every pod of a training Job has its own; set rooms.worker.home.limit" -}}
{{- end -}}
{{- if gt (int $room.autoscaling.min) (int $room.autoscaling.max) -}}
{{- fail (printf "rooms.%s.autoscaling.min is %v, more than its max %v" $name $room.autoscaling.min $room.autoscaling.max) -}}
{{- end -}}
{{- if and (eq $room.autoscaling.kind "keda") (not (and $room.autoscaling.keda.serverAddress $room.autoscaling.keda.query)) -}}
{{- fail (printf "rooms.%s.autoscaling.kind is keda, which needs autoscaling.keda.serverAddress and .query of a Prometheus" $name) -}}
{{- end -}}
{{- end -}}
{{- if $values.operator.enabled -}}
{{- range (lookup "apps/v1" "Deployment" $.Release.Namespace "").items -}}
{{- $labels := default dict .metadata.labels -}}
{{- $other := get $labels "app.kubernetes.io/instance" -}}
{{- if and (eq (get $labels "app.kubernetes.io/component") "operator") (hasPrefix "ratchet-" (get $labels "helm.sh/chart")) (ne $other $.Release.Name) -}}
{{- fail (printf "release %s of namespace %s has an operator, and two would both carry out its SelfImprovements; set operator.enabled=false, or install into another namespace" $other $.Release.Namespace) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
