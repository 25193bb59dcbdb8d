{{/* Stem of all names: the release's, with `cygnet` in it. */}}
{{- define "cygnet.fullname" -}}
{{- $name := .Release.Name -}}
{{- if not (contains "cygnet" $name) }}{{ $name = printf "%s-cygnet" $name }}{{ end -}}
{{- $name | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{/* What a component's pods are selected by: (dict "root" $ "component" "nats"). */}}
{{- define "cygnet.selector" -}}
app.kubernetes.io/name: cygnet
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* Labels of pods: without versions, so that an upgrade rolls only what it changes. */}}
{{- define "cygnet.podLabels" -}}
{{ include "cygnet.selector" . }}
app.kubernetes.io/part-of: cygnet
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end }}

{{/* Labels of every object. */}}
{{- define "cygnet.labels" -}}
{{ include "cygnet.podLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{/* An image by its name in `images`: (dict "root" $ "image" "nats"). A digest wins over a tag. */}}
{{- define "cygnet.image" -}}
{{- $images := .root.Values.images -}}
{{- $image := index $images .image -}}
{{- with $images.registry }}{{ . }}/{{ end }}{{ $image.repository }}
{{- if $image.digest }}@{{ $image.digest }}
{{- else }}:{{ coalesce $image.tag $images.tag .root.Chart.AppVersion }}{{ end -}}
{{- end }}

{{/* What all pods of the chart share: pull secrets, priority, and what the Pod Security level `restricted` asks for. */}}
{{- define "cygnet.pod" -}}
{{- with .root.Values.images.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with include "cygnet.priorityClassName" .root }}
priorityClassName: {{ . }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .place }}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}

{{- define "cygnet.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "cygnet.priorityClassName" -}}
{{- with .Values.priorityClass }}{{ .name | default (ternary (include "cygnet.fullname" $) "" .create) }}{{ end -}}
{{- end }}

{{/* Secret with the NATS users' names and passwords, and the one with the keys of S3; empty: none. */}}
{{- define "cygnet.natsSecret" -}}
{{- .Values.nats.existingSecret | default (ternary (printf "%s-nats" (include "cygnet.fullname" .)) "" .Values.nats.enabled) -}}
{{- end }}
{{- define "cygnet.s3Secret" -}}
{{- .Values.s3.existingSecret | default (ternary (printf "%s-s3" (include "cygnet.fullname" .)) "" .Values.s3.enabled) -}}
{{- end }}

{{- define "cygnet.natsUrl" -}}
{{- if .Values.nats.enabled }}nats://{{ include "cygnet.fullname" . }}-nats.{{ .Release.Namespace }}.svc:4222
{{- else }}{{ .Values.nats.url }}{{ end -}}
{{- end }}
{{- define "cygnet.s3Endpoint" -}}
{{- if .Values.s3.enabled }}http://{{ include "cygnet.fullname" . }}-s3.{{ .Release.Namespace }}.svc:9000
{{- else }}{{ .Values.s3.endpoint }}{{ end -}}
{{- end }}

{{/* A password: what the Secret has, else a new one; in base64. (dict "old" DATA "key" "admin-password") */}}
{{- define "cygnet.password" -}}
{{- index .old .key | default (randAlphaNum 32 | b64enc) -}}
{{- end }}

{{/* Where a claim or an emptyDir is called `data`: (dict "root" $ "component" "nats"). */}}
{{- define "cygnet.claims" -}}
{{- $storage := (index .root.Values .component).persistence -}}
{{- if $storage.enabled }}
volumeClaimTemplates:
  - apiVersion: v1
    kind: PersistentVolumeClaim
    metadata:
      name: data
      labels: {{- include "cygnet.selector" . | nindent 8 }}
    spec:
      accessModes: [ReadWriteOnce]
      {{- with $storage.storageClass }}
      storageClassName: {{ . | quote }}
      {{- end }}
      resources: {requests: {storage: {{ $storage.size }}}}
{{- end }}
{{- end }}

{{/* Who may come to the chart's own NATS and S3: every pod of Cygnet, and whom the values name. */}}
{{- define "cygnet.clients" -}}
- namespaceSelector: {}
  podSelector:
    matchLabels: {app.kubernetes.io/part-of: cygnet}
{{- with .Values.networkPolicies.from }}
{{ toYaml . }}
{{- end }}
{{- end }}
