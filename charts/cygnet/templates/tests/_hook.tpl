{{/* Made for `helm test`. The pod stays, for its log; what gives it its rights goes when all is well. */}}
{{- define "cygnet.testRights" -}}
helm.sh/hook: test
helm.sh/hook-weight: "1"
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}
{{- define "cygnet.testPod" -}}
helm.sh/hook: test
helm.sh/hook-weight: "2"
helm.sh/hook-delete-policy: before-hook-creation
helm.sh/hook-output-log-policy: hook-failed
{{- end }}
