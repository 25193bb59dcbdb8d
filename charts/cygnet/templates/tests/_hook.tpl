{{/* Made for `helm test`, its weight given; the pod stays after a failure, for its log. */}}
{{- define "cygnet.testHook" -}}
helm.sh/hook: test
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
helm.sh/hook-output-log-policy: hook-failed
{{- end }}
