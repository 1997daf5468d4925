{{- define "context-manager.name" -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end }}
{{- define "context-manager.selector" -}}
app.kubernetes.io/name: context-manager
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- define "context-manager.labels" -}}
{{ include "context-manager.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}
