{{/* nats.conf. A change of it rolls the servers, so nothing in it depends on the chart's version. */}}
{{- define "cygnet.natsConfig" -}}
server_name: $SERVER_NAME
port: 4222
http_port: 8222
max_payload: 8454144  # frames of 8 MiB inline, with room for headers
max_pending: 67108864
feature_flags: {js_ack_fc_v2: false}  # nats-py's ordered consumers die of the new form
{{- $most := include "cygnet.mostOf" .Values.nats.persistence.size }}
jetstream: {store_dir: /data, max_file_store: {{ $most }}Mi, max_memory_store: 256Mi}
accounts: {
  CYGNET: {
    jetstream: {max_file: {{ mul $most .Values.nats.replicas }}Mi, max_mem: {{ mul 256 .Values.nats.replicas }}Mi}  # only with a limit JetStream tells how full it is
    users: [
      {{- include "cygnet.natsPermissions" . | trim | nindent 6 }}
    ]
  }
}
{{- if gt (int .Values.nats.replicas) 1 }}
cluster: {
  name: {{ include "cygnet.fullname" . }}
  port: 6222
  no_advertise: true
  authorization: {user: route, password: $ROUTE_PASSWORD}
  routes: $ROUTES
}
{{- end }}
{{- end }}
