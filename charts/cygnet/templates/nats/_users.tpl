{{/* Names of the users, as JSON: the roles of files/permissions.yaml, and whoever announces foreign subjects. */}}
{{- define "cygnet.natsUsers" -}}
{{- $roles := keys (.Files.Get "files/permissions.yaml" | fromYaml).roles | sortAlpha -}}
{{- ternary (append $roles "announcer") $roles (gt (len .Values.nats.foreignSubjects) 0) | toJson -}}
{{- end }}

{{/* The users of nats.conf with what each may do; their names and passwords come by the environment. */}}
{{- define "cygnet.natsPermissions" -}}
{{- $permissions := .Files.Get "files/permissions.yaml" | fromYaml -}}
{{- $common := $permissions.common -}}
{{- $foreign := .Values.nats.foreignSubjects -}}
{{- range include "cygnet.natsUsers" . | fromJsonArray }}
{{- $own := get $permissions.roles . | default dict }}
{{- $publish := concat $common.publish ($own.publish | default list) }}
{{- $subscribe := concat $common.subscribe ($own.subscribe | default list) }}
{{- if eq . "source" }}{{ $publish = concat $publish $foreign }}{{ end }}
{{- if eq . "announcer" }}{{ $publish = $foreign }}{{ $subscribe = concat $subscribe $foreign }}{{ end }}
{
  user: ${{ upper . }}_USERNAME, password: ${{ upper . }}_PASSWORD
  permissions: {
    publish: ["{{ join "\", \"" $publish }}"]
    subscribe: ["{{ join "\", \"" $subscribe }}"]
  }
}
{{- end }}
{{- end }}

{{/* Nine tenths of a size, in MiB without the unit: what JetStream may use of a volume. */}}
{{- define "cygnet.mostOf" -}}
{{- $unit := get (dict "Mi" 1 "Gi" 1024 "Ti" 1048576) (regexFind "[MGT]i" .) -}}
{{- div (mul (regexFind "^[0-9]+" . | int64) $unit 9) 10 }}
{{- end }}
