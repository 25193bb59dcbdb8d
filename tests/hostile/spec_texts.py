"""Spec files that are broken in ways that no single field shows: rules across fields, and YAML itself."""

from dataclasses import dataclass

HEAD = "apiVersion: cygnet.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: lime}\nspec:\n"
SOURCES = "  sources:\n  - name: lime\n    replay: {path: frames}\n"


@dataclass(frozen=True, slots=True)
class BrokenText:
    """A text, and field, line and words of its only problem."""

    name: str
    text: str
    field: str
    line: int
    words: str


def _below(name: str, lines: str, field: str, line: int, words: str) -> BrokenText:
    """Return a case whose `line` is counted in `lines`, below a valid source."""
    return BrokenText(name, f"{HEAD}{SOURCES}{lines}", field, line + 7, words)


def _pods(name: str, fields: str, field: str, words: str) -> BrokenText:
    """Return a case of the source's pod with these fields, in one line."""
    return _below(name, f"  pods: {{source: {{{fields}}}}}\n", f"spec.pods.source.{field}", 1, words)


def _source(name: str, lines: str, field: str, line: int, words: str) -> BrokenText:
    return BrokenText(name, f"{HEAD}  sources:\n{lines}", field, line + 5, words)


def _simulator(name: str, fields: str, field: str, words: str) -> BrokenText:
    """Return a case of a simulated detector with these fields beside its model, in one line."""
    lines = f"  - name: a\n    simulator: {{model: cygno, {fields}}}\n"
    return _source(name, lines, f"spec.sources[0].simulator.{field}", 2, words)


_STAGES = "spec.preprocessor.stages"
_TEMPLATE = "spec.aggregator.keyTemplate"

BROKEN_RULES = (
    _below(
        "min-above-max-replicas",
        "  preprocessor:\n    scaling:\n      maxReplicas: 2\n      minReplicas: 3\n",
        "spec.preprocessor.scaling.minReplicas",
        4,
        "3 does not fit: minReplicas must not exceed maxReplicas",
    ),
    _below(
        "min-above-default-max-replicas",
        "  preprocessor:\n    scaling:\n      minReplicas: 5\n",
        "spec.preprocessor.scaling.minReplicas",
        3,
        "5 does not fit: minReplicas must not exceed maxReplicas",
    ),
    _below(
        "window-upside-down",
        "  preprocessor:\n    stages:\n    - window: {min: 120, max: 80}\n",
        f"{_STAGES}[0].window.min",
        3,
        "120 does not fit: min must be below max",
    ),
    _below(
        "window-without-width",
        "  preprocessor:\n    stages:\n    - window: {min: 80, max: 80}\n",
        f"{_STAGES}[0].window.min",
        3,
        "80 does not fit: min must be below max",
    ),
    _below(
        "levels-of-fractions",
        "  preprocessor:\n    stages:\n    - window: {min: 80.5, max: 120, output: levels}\n",
        f"{_STAGES}[0].window.output",
        3,
        "levels needs whole numbers for min and max",
    ),
    _below(
        "levels-with-underflow",
        "  preprocessor:\n    stages:\n    - window: {min: 0, max: 9, output: levels, legacyUnderflow: on}\n",
        f"{_STAGES}[0].window.legacyUnderflow",
        3,
        "legacyUnderflow goes with output: fraction",
    ),
    _below(
        "stage-of-two-kinds",
        "  preprocessor:\n    stages:\n    - crop: {}\n      delay: {seconds: 1}\n",
        f"{_STAGES}[0]",
        3,
        "exactly one of crop, window, delay must be given; given: crop, delay",
    ),
    _below(
        "stage-of-no-kind",
        "  preprocessor:\n    stages:\n    - {}\n",
        f"{_STAGES}[0]",
        3,
        "exactly one of crop, window, delay must be given; given: none",
    ),
    _below(
        "stage-left-empty",
        "  preprocessor:\n    stages:\n    - crop:\n",
        f"{_STAGES}[0]",
        3,
        "exactly one of crop, window, delay must be given; given: crop (empty)",
    ),
    _below(
        "two-crops",
        "  preprocessor:\n    stages:\n    - crop: {}\n    - delay: {seconds: 1}\n    - crop: {}\n",
        f"{_STAGES}[2]",
        5,
        "at most one crop stage",
    ),
    _below(
        "two-windows",
        "  preprocessor:\n    stages:\n    - window: {min: 1, max: 2}\n    - window: {min: 3, max: 4}\n",
        f"{_STAGES}[1]",
        4,
        "at most one window stage",
    ),
    _below(
        "unknown-template-field",
        '  aggregator:\n    keyTemplate: "{prefix}/{detektor}"\n',
        _TEMPLATE,
        2,
        "unknown field {detektor}; accepted: prefix, run, detector",
    ),
    _below(
        "template-not-closed", '  aggregator:\n    keyTemplate: "{prefix"\n', _TEMPLATE, 2, "not a template"
    ),
    _below(
        "template-with-huge-width",
        '  aggregator:\n    keyTemplate: "{seq:99999999999d}"\n',
        _TEMPLATE,
        2,
        "accepted: for example {seq:09d}",
    ),
    _below(
        "template-form-of-a-text",
        '  aggregator:\n    keyTemplate: "{run:09d}"\n',
        _TEMPLATE,
        2,
        "{run} takes no format",
    ),
    _below(
        "chunk-larger-than-half-the-stream",
        "  aggregator: {maxBytes: 40000000}\n",
        "spec.aggregator.maxBytes",
        1,
        "aggregator.maxBytes must not exceed half of streams.chunksBytes",
    ),
    _below(
        "stream-smaller-than-two-default-chunks",
        "  store: true\n  streams: {chunksBytes: 1048576}\n",
        "spec.aggregator.maxBytes",
        2,
        "33554432 is the default and does not fit: aggregator.maxBytes must not",
    ),
    _source(
        "chunk-without-room-for-two-frames",
        "  - name: lime\n    replay: {path: f}\n    expect: {shape: [2304, 2304]}\n"
        "  preprocessor: {stages: [{window: {min: 80, max: 120}}]}\n"
        "  aggregator: {chunkSize: 20}\n",
        "spec.aggregator.maxBytes",
        5,
        "no two results of lime fit into a chunk: each has 21233664 bytes or more; accepted: maxBytes from"
        " 42467328, with streams.chunksBytes from 84934656, or chunkSize: 1",
    ),
    _below(
        "ack-wait-below-processing",
        "  streams:\n    maxProcessingSeconds: 40\n    ackWaitSeconds: 30\n",
        "spec.streams.ackWaitSeconds",
        3,
        "30 does not fit: ackWaitSeconds must be above maxProcessingSeconds",
    ),
    _below(
        "default-ack-wait-below-processing",
        "  streams:\n    maxProcessingSeconds: 40\n",
        "spec.streams.ackWaitSeconds",
        2,
        "30 is the default and does not fit: ackWaitSeconds must be above",
    ),
    _source(
        "two-sources-of-one-name",
        "  - {name: a, replay: {path: x}}\n  - {name: a, replay: {path: z}}\n",
        "spec.sources[1].name",
        2,
        "'a' does not fit: source names must differ",
    ),
    _source(
        "source-of-no-kind",
        "  - name: a\n",
        "spec.sources[0]",
        1,
        "exactly one of replay, simulator, announcements must be given; given: none",
    ),
    _source(
        "source-of-two-kinds",
        "  - name: a\n    replay: {path: x}\n    announcements: {subjects: [s]}\n",
        "spec.sources[0]",
        1,
        "exactly one of replay, simulator, announcements must be given; given: replay, announcements",
    ),
    _source(
        "mirror-of-its-own-subject",
        "  - name: a\n    announcements: {subjects: [daq/data]}\n    mirrorSubjects: [daq/data]\n",
        "spec.sources[0].mirrorSubjects",
        3,
        "mirrorSubjects may not repeat announcements.subjects",
    ),
    _source(
        "mirror-of-anothers-subject",
        "  - name: a\n    replay: {path: x}\n    mirrorSubjects: [daq/data]\n"
        "  - name: b\n    announcements: {subjects: [daq/data]}\n",
        "spec.sources[0].mirrorSubjects",
        3,
        "mirrorSubjects may not repeat announcements.subjects of this pipeline",
    ),
    _source(
        "mirror-into-the-pipelines-own-subjects",
        "  - name: a\n    replay: {path: x}\n    mirrorSubjects: [old, cygnet.local.p.frames.a]\n",
        "spec.sources[0].mirrorSubjects[1]",
        3,
        "mirrorSubjects may not begin with cygnet.",
    ),
    _source(
        "text-without-a-mirror",
        "  - name: a\n    replay: {path: x}\n    infoSubject: daq/info\n",
        "spec.sources[0].infoSubject",
        3,
        "infoSubject tells what mirrorSubjects announce",
    ),
    _source(
        "text-among-announcements",
        "  - name: a\n    replay: {path: x}\n    mirrorSubjects: [daq/data]\n    infoSubject: daq/data\n",
        "spec.sources[0].infoSubject",
        4,
        "infoSubject must be another subject than those of announcements",
    ),
    _source(
        "bucket-for-frames-that-are-stored",
        "  - name: a\n    announcements: {subjects: [s]}\n    framesBucket: mine\n",
        "spec.sources[0].framesBucket",
        3,
        "frames of announcements are stored already",
    ),
    _source(
        "keys-for-frames-that-are-stored",
        "  - name: a\n    announcements: {subjects: [s]}\n    frameKeys: content\n",
        "spec.sources[0].frameKeys",
        3,
        "frames of announcements are stored already",
    ),
    _below(
        "certificate-without-its-key",
        "  local:\n    s3:\n      tls:\n        certFile: s3.crt\n",
        "spec.local.s3.tls.keyFile",
        4,
        "certFile and keyFile go together",
    ),
    _below(
        "signer-of-no-certificate",
        "  local:\n    s3:\n      tls:\n        caFile: ca.crt\n",
        "spec.local.s3.tls.caFile",
        4,
        "caFile goes with certFile and keyFile",
    ),
    _below(
        "our-own-nats-user",
        "  local: {nats: {users: [{user: cygnet, password: x}]}}\n",
        "spec.local.nats.users[0].user",
        1,
        "'cygnet' does not fit: Cygnet itself comes by this name",
    ),
    _below(
        "our-own-access-key",
        "  local: {s3: {users: [{accessKeyId: cygnet, secretAccessKey: hunter2hunter2}]}}\n",
        "spec.local.s3.users[0].accessKeyId",
        1,
        "'cygnet' does not fit: Cygnet itself comes by this name",
    ),
    _below(
        "one-nats-user-twice",
        "  local: {nats: {users: [{user: a, password: x}, {user: a, password: z}]}}\n",
        "spec.local.nats.users[1].user",
        1,
        "'a' does not fit: an earlier user has this name",
    ),
    _below(
        "certificate-key-alone",
        "  local: {s3: {tls: {keyFile: s3.key}}}\n",
        "spec.local.s3.tls.certFile",
        1,
        "certFile and keyFile go together",
    ),
    _below(
        "template-of-a-folder",
        '  aggregator: {keyTemplate: "{prefix}/"}\n',
        _TEMPLATE,
        1,
        "it ends without a name",
    ),
    _below(
        "template-that-climbs",
        '  aggregator: {keyTemplate: "../{run}"}\n',
        _TEMPLATE,
        1,
        "control characters, backslashes, '.' and '..' are no parts of a key",
    ),
    _pods(
        "more-processors-than-allowed",
        "resources: {requests: {cpu: '2'}, limits: {cpu: 500m}}",
        "resources.requests.cpu",
        "'2' does not fit: requests must not exceed limits",
    ),
    _pods(
        "more-memory-than-allowed",
        "resources: {requests: {memory: 1Gi}, limits: {memory: 1G}}",
        "resources.requests.memory",
        "'1Gi' does not fit: requests must not exceed limits",
    ),
    _pods(
        "label-with-a-space",
        "nodeSelector: {beam line: lngs}",
        "nodeSelector['beam line']",
        "nodeSelector takes names of labels, such as kubernetes.io/arch",
    ),
    _pods(
        "toleration-of-any-value-with-a-value",
        "tolerations: [{operator: Exists, value: x}]",
        "tolerations[0].value",
        "operator: Exists has no value",
    ),
    _pods(
        "toleration-without-a-key",
        "tolerations: [{effect: NoSchedule}]",
        "tolerations[0].operator",
        "without a key the operator is Exists",
    ),
    _pods(
        "toleration-for-a-time-of-no-execution",
        "tolerations: [{operator: Exists, tolerationSeconds: 3}]",
        "tolerations[0].tolerationSeconds",
        "tolerationSeconds goes with effect: NoExecute",
    ),
    _pods(
        "two-claims-in-one-place",
        "claims: [{claimName: a, mountPath: /f}, {claimName: b, mountPath: /f}]",
        "claims[1].mountPath",
        "an earlier claim is mounted here",
    ),
    _simulator(
        "random-arrivals-without-a-rate",
        "arrivals: poisson",
        "arrivals",
        "'poisson' does not fit: arrivals needs rateHz: without a rate there is no simulated time",
    ),
    _simulator("burst-without-a-rate", "burst: {onSeconds: 1, offSeconds: 2}", "burst", "burst needs rateHz"),
    _simulator(
        "modulation-without-a-rate",
        "nuclearShare: 0.1, modulation: {amplitude: 0.1, periodSeconds: 60}",
        "modulation",
        "modulation needs rateHz",
    ),
    _simulator(
        "time-scale-without-a-rate", "timeScale: 10", "timeScale", "10 does not fit: timeScale needs rateHz"
    ),
    _simulator(
        "share-above-one",
        "rateHz: 5, nuclearShare: 0.3, modulation: {amplitude: 0.4, periodSeconds: 60}",
        "modulation.amplitude",
        "0.4 does not fit: nuclearShare + 2 × modulation.amplitude must not exceed 1",
    ),
    _simulator(
        "jpeg-of-sixteen-bits",
        "preset: lime, encoding: jpeg",
        "encoding",
        "'jpeg' does not fit: a JPEG has 8 bits and preset lime 16; accepted for encoding: png, or a codec",
    ),
    _simulator(
        "quality-of-no-jpeg",
        "jpegQuality: 80",
        "jpegQuality",
        "80 does not fit: jpegQuality goes with encoding",
    ),
)

_VALID = HEAD + SOURCES

BROKEN_TEXTS = (
    BrokenText("empty", "", "", 0, "the file is empty"),
    BrokenText("only-comments", "# nothing\n---\n---\n", "", 0, "the file is empty"),
    BrokenText("a-word", "pipeline\n", "", 1, "the document is 'pipeline'"),
    BrokenText("a-number", "7\n", "", 1, "the document is 7"),
    BrokenText("a-list", "- a\n- b\n", "", 1, "the document is a list of 2 items"),
    BrokenText(
        "foreign-mapping", "name: x\nservices: {}\n", "", 1, "this is not a Pipeline; its fields: 'name'"
    ),
    BrokenText(
        "foreign-kind", "apiVersion: v1\nkind: Secret\ndata: {}\n", "kind", 2, "'Secret' is another kind"
    ),
    BrokenText("lower-case-kind", _VALID.replace("Pipe", "pipe"), "kind", 2, "did you mean 'Pipeline'?"),
    BrokenText(
        "other-version", _VALID.replace("v1alpha1", "v2"), "apiVersion", 1, "'cygnet.dev/v2' is not known"
    ),
    _below("tab", "\tstore: true\n", "", 1, "a tab"),
    _below("tab-behind-a-name", "  store:\n\t  true\n", "", 2, "a tab"),
    _below("too-little-indentation", " store: true\n", "", 1, "does not go on with what began"),
    _below("colon-in-text", "  runs: a: b\n", "", 1, "a ':' that cannot stand here"),
    _below("no-colon", "  store\n", "", 1, "neither 'field: value' nor '- item'"),
    _below("open-quote", "  runs: 'endless\n", "", 1, "this quote is never closed"),
    _below("open-bracket", "  nats: [a\n  store: true\n", "", 1, "this '[' is not closed"),
    _below("open-brace", "  nats: {url: a\n  store: true\n", "", 1, "this '{' is not closed"),
    _below("nothing-behind-a-comma", "  nats: [a,", "", 1, "a value or a closing bracket is missing"),
    _below("at-sign", "  runs: @endless\n", "", 1, "a text cannot begin with this character"),
    _below("end-and-more", "...\nfoo\n", "", 2, "the document has ended before this"),
    _below("bell", "  runs: \x07\n", "", 1, "the character U+0007 cannot stand in YAML"),
    _below("impossible-escape", '  runs: "\\UFFFFFFFF"\n', "", 1, "an escape that stands for no"),
    _below("half-a-character", '  runs: "\\ud800"\n', "spec.runs", 1, "holds half a character"),
    _below("field-twice", "  store: true\n  store: false\n", "spec.store", 2, "twice, first on line 8"),
    _below("list-as-a-name", "  ? [a]\n  : b\n", "spec", 1, "in the place of a field's name"),
    _below("alias", "  store: &s true\n  runs: *s\n", "spec.runs", 2, "*s is an alias"),
    _below("undefined-alias", "  runs: *s\n", "spec.runs", 1, "*s is an alias"),
    _below("merge", "  <<: {store: true}\n", "spec['<<']", 1, "unknown field '<<'"),
    _below("tag", "  store: !!python/name:os.system x\n", "spec.store", 1, "is a tag"),
    _below("tag-of-yaml", "  runs: !!str 1\n", "spec.runs", 1, "is a tag"),
    _below(
        "leading-zero",
        "  aggregator: {chunkSize: 0200}\n",
        "spec.aggregator.chunkSize",
        1,
        "a number with a leading zero",
    ),
    _below(
        "5000-digits",
        f"  aggregator: {{chunkSize: {'9' * 5000}}}\n",
        "spec.aggregator.chunkSize",
        1,
        "a number of 5000 digits",
    ),
    _below("too-deep", f"  nats: {'[' * 2000}\n", "", 1, "too deep"),
    BrokenText(
        "no-as-a-name",
        _VALID.replace("name: lime\n", "name: no\n"),
        "spec.sources[0].name",
        6,
        "no, read as false, is a boolean",
    ),
    _below("on-as-a-field", "  on: push\n", "spec.on", 1, "unknown field 'on'"),
    _below(
        "sexagesimal",
        "  streams: {ackWaitSeconds: 1:30}\n",
        "spec.streams.ackWaitSeconds",
        1,
        "'1:30' is a string",
    ),
    BrokenText(
        "same-pipeline-twice",
        f"{_VALID}---\n{_VALID}",
        "metadata.name",
        11,
        "local/lime is already described in spec.yaml:3",
    ),
    _below("foreign-part", "  bucket: cygno\n", "spec.bucket", 1, "it belongs in spec.uploader"),
    BrokenText(
        "misspelt-namespace",
        _VALID.replace("{name: lime}", "{name: lime, namspace: beam}"),
        "metadata.namspace",
        3,
        "did you mean 'namespace'?",
    ),
)
