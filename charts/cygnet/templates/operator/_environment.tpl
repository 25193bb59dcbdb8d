{{/* How the operator is told of its installation; the hook before an uninstall is told the same. */}}
{{- define "cygnet.operatorEnvironment" -}}
- {name: CYGNET_INSTALLATION, value: {{ printf "%s/%s" .Release.Namespace .Release.Name | quote }}}
- {name: CYGNET_WATCH_NAMESPACES, value: {{ join "," .Values.watchNamespaces | quote }}}
- {name: CYGNET_LOG_LEVEL, value: {{ .Values.operator.logLevel }}}
{{- with include "cygnet.natsUrl" . }}
- {name: NATS_URL, value: {{ . | quote }}}
{{- end }}
{{- with include "cygnet.s3Endpoint" . }}
- {name: AWS_ENDPOINT_URL, value: {{ . | quote }}}
{{- end }}
- {name: AWS_REGION, value: {{ .Values.s3.region | quote }}}
{{- range list "simulator" "preprocessor" "aggregator" "uploader" }}
- {name: CYGNET_IMAGE_{{ upper . }}, value: {{ include "cygnet.image" (dict "root" $ "image" .) | quote }}}
{{- end }}
- {name: CYGNET_IMAGE_PULL_POLICY, value: {{ .Values.images.pullPolicy }}}
- {name: CYGNET_IMAGE_PULL_SECRETS, value: {{ join "," .Values.images.pullSecrets | quote }}}
{{- end }}
