{{- define "conclave.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- define "conclave.selector" -}}
app.kubernetes.io/name: conclave
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "conclave.labels" -}}
{{ include "conclave.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}
{{- end }}

{{- /* What cannot work is refused here, not by the first pod. */ -}}
{{- define "conclave.check" -}}
{{- $most := .Values.replicas -}}
{{- if .Values.autoscaling.enabled }}{{ $most = .Values.autoscaling.maxReplicas }}{{ end -}}
{{- if not .Values.secret.name }}{{ fail "secret.name: nothing given, expected a Secret with the signing key" }}{{ end -}}
{{- if and (gt (int $most) 1) (or (not .Values.secret.storeUrlKey) (not .Values.secret.busUrlKey)) -}}
{{- fail "replicas: more than one node needs secret.storeUrlKey and secret.busUrlKey" -}}
{{- end -}}
{{- end }}
