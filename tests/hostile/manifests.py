"""Wrong manifests as people write them, and what a person must be told: by `kubectl apply` and `cygnet up`.

Rules across fields come besides: every case of `spec_texts.BROKEN_RULES` that CEL can tell is one more.
"""

from dataclasses import dataclass
from enum import Enum

from hostile.spec_texts import BROKEN_RULES, HEAD, SOURCES


class Category(Enum):
    """What is wrong, with words of the API server and of the loader that say so (regular expressions)."""

    UNKNOWN = r"unknown field|field not declared in schema", r"unknown field"
    TYPE = r"must be of type|expected (string|numeric|boolean|list|map)", r" is (a|empty)\b"
    MISSING = r"Required value|omits all key fields", r"missing"
    CHOICE = r"Unsupported value", r"is not known|is not among these"
    BOUNDS = (
        r"should be (greater|less) than|Too long|Too many|should have at least",
        r"too (small|large|many|few)",
    )
    WORDS = r"accepted: ", r"does not fit|too many"
    TWICE = r"Duplicate value|duplicate entries", r"does not fit"
    RULE = r"", r""


@dataclass(frozen=True, slots=True)
class WrongManifest:
    """A manifest with one fault. `on_cluster` is the field as the API server names it, where it differs."""

    name: str
    text: str
    field: str
    category: Category
    on_cluster: str = ""

    @property
    def cluster_field(self) -> str:
        return self.on_cluster or self.field


def _wrong(
    name: str, below: str, field: str, category: Category, on_cluster: str = "", *, sources: str = SOURCES
) -> WrongManifest:
    """Return a manifest with these lines below a valid source."""
    return WrongManifest(name, f"{HEAD}{sources}{below}", field, category, on_cluster)


def _named(name: str, pipeline: str) -> WrongManifest:
    text = f"{HEAD}{SOURCES}".replace("{name: lime}", f"{{name: {pipeline}}}")
    return WrongManifest(name, text, "metadata.name", Category.WORDS)


def _source(name: str, fields: str, field: str, category: Category, on_cluster: str = "") -> WrongManifest:
    sources = f"  sources:\n  - {{name: lime, {fields}}}\n"
    return _wrong(name, "", f"spec.sources[0]{field}", category, on_cluster, sources=sources)


_SIMULATOR = "simulator: {model: cygno"
_LIMITS = "spec.preprocessor.imageLimits"

FAULTS = (
    _named("name-of-41-characters", "a" * 41),
    _named("name-with-a-dot", "lime.underground"),
    _wrong(
        "misspelt-field", "  aggregator: {chunkSise: 20}\n", "spec.aggregator.chunkSise", Category.UNKNOWN
    ),
    _wrong("misspelt-part", "  agregator: {chunkSize: 20}\n", "spec.agregator", Category.UNKNOWN),
    _wrong("field-of-another-part", "  bucket: cygno\n", "spec.bucket", Category.UNKNOWN),
    _wrong("snake-case", "  aggregator: {chunk_size: 20}\n", "spec.aggregator.chunk_size", Category.UNKNOWN),
    _source("misspelt-rate", f"{_SIMULATOR}, rate: 5}}", ".simulator.rate", Category.UNKNOWN),
    _wrong(
        "number-in-quotes", "  aggregator: {chunkSize: '20'}\n", "spec.aggregator.chunkSize", Category.TYPE
    ),
    _wrong("half-an-event", "  aggregator: {chunkSize: 20.5}\n", "spec.aggregator.chunkSize", Category.TYPE),
    _wrong("number-for-a-text", "  uploader: {bucket: 700}\n", "spec.uploader.bucket", Category.TYPE),
    _wrong("text-for-a-switch", "  store: 'yes'\n", "spec.store", Category.TYPE),
    _wrong("text-for-a-part", "  streams: large\n", "spec.streams", Category.TYPE),
    _wrong(
        "text-for-a-list",
        "  preprocessor: {urlAllowList: all}\n",
        "spec.preprocessor.urlAllowList",
        Category.TYPE,
    ),
    _wrong("no-sources", "", "spec.sources", Category.MISSING, sources="  store: true\n"),
    WrongManifest(
        "source-without-a-name",
        f"{HEAD}  sources:\n  - replay: {{path: f}}\n",
        "spec.sources[0].name",
        Category.MISSING,
        "spec.sources",
    ),
    _source("replay-of-nothing", "replay: {loop: true}", ".replay.path", Category.MISSING),
    _source("simulator-of-nothing", "simulator: {seed: 1}", ".simulator.model", Category.MISSING),
    _wrong(
        "window-without-a-top",
        "  preprocessor: {stages: [{window: {min: 80}}]}\n",
        "spec.preprocessor.stages[0].window.max",
        Category.MISSING,
    ),
    _wrong("sources-none", "", "spec.sources", Category.BOUNDS, sources="  sources: []\n"),
    _wrong("lifecycle-in-lower-case", "  lifecycle: paused\n", "spec.lifecycle", Category.CHOICE),
    _wrong("policy-of-no-kind", "  deletionPolicy: Keep\n", "spec.deletionPolicy", Category.CHOICE),
    _wrong("format-of-no-kind", "  aggregator: {format: zarr}\n", "spec.aggregator.format", Category.CHOICE),
    _wrong("two-copies", "  streams: {replicas: 2}\n", "spec.streams.replicas", Category.CHOICE),
    _source("detector-of-no-kind", "simulator: {model: atlas}", ".simulator.model", Category.CHOICE),
    _source("codec-of-no-kind", f"{_SIMULATOR}, encoding: gif}}", ".simulator.encoding", Category.CHOICE),
    _source(
        "pixels-of-no-kind", "replay: {path: f}, expect: {dtype: uint12}", ".expect.dtype", Category.CHOICE
    ),
    _wrong("chunks-of-none", "  aggregator: {chunkSize: 0}\n", "spec.aggregator.chunkSize", Category.BOUNDS),
    _wrong(
        "no-workers-at-most",
        "  preprocessor: {scaling: {minReplicas: 0, maxReplicas: 0}}\n",
        "spec.preprocessor.scaling.maxReplicas",
        Category.BOUNDS,
    ),
    _wrong(
        "workers-beyond-reason",
        "  preprocessor: {scaling: {maxReplicas: 100000}}\n",
        "spec.preprocessor.scaling.maxReplicas",
        Category.BOUNDS,
    ),
    _wrong(
        "utilization-in-percent",
        "  preprocessor: {scaling: {utilization: 70}}\n",
        "spec.preprocessor.scaling.utilization",
        Category.BOUNDS,
    ),
    _wrong(
        "stream-in-megabytes", "  streams: {framesBytes: 64}\n", "spec.streams.framesBytes", Category.BOUNDS
    ),
    _wrong(
        "letters-for-no-time",
        "  deadLetters: {maxAgeHours: 0}\n",
        "spec.deadLetters.maxAgeHours",
        Category.BOUNDS,
    ),
    _wrong(
        "image-of-no-pixels",
        "  preprocessor: {imageLimits: {maxPixels: 0}}\n",
        f"{_LIMITS}.maxPixels",
        Category.BOUNDS,
    ),
    _wrong(
        "negative-replicas", "  preprocessor: {replicas: -1}\n", "spec.preprocessor.replicas", Category.BOUNDS
    ),
    _source("rate-of-none", f"{_SIMULATOR}, rateHz: 0}}", ".simulator.rateHz", Category.BOUNDS),
    _source(
        "shape-of-one-side", "replay: {path: f}, expect: {shape: [576]}", ".expect.shape", Category.BOUNDS
    ),
    _source(
        "two-foreign-subjects",
        "announcements: {subjects: [a, b]}",
        ".announcements.subjects",
        Category.BOUNDS,
    ),
    _wrong(
        "seventeen-stages",
        f"  preprocessor: {{stages: [{', '.join(['{delay: {seconds: 1}}'] * 17)}]}}\n",
        "spec.preprocessor.stages",
        Category.BOUNDS,
    ),
    _wrong("bucket-in-capitals", "  uploader: {bucket: Cygno}\n", "spec.uploader.bucket", Category.WORDS),
    _wrong(
        "prefix-with-a-slash-before", "  uploader: {prefix: /lime}\n", "spec.uploader.prefix", Category.WORDS
    ),
    _wrong("nats-over-http", "  nats: {url: 'http://nats:4222'}\n", "spec.nats.url", Category.WORDS),
    _wrong("secret-in-capitals", "  nats: {secretName: NATS}\n", "spec.nats.secretName", Category.WORDS),
    _wrong(
        "endpoint-without-a-scheme",
        "  storage: {endpoint: 'minio:9000'}\n",
        "spec.storage.endpoint",
        Category.WORDS,
    ),
    _wrong(
        "endpoint-with-a-path",
        "  storage: {endpoint: 'http://minio/x'}\n",
        "spec.storage.endpoint",
        Category.WORDS,
    ),
    _wrong(
        "host-without-a-scheme",
        "  preprocessor: {urlAllowList: [minio]}\n",
        "spec.preprocessor.urlAllowList[0]",
        Category.WORDS,
    ),
    _source(
        "subject-with-a-star",
        "announcements: {subjects: ['daq.*']}",
        ".announcements.subjects[0]",
        Category.WORDS,
    ),
    WrongManifest(
        "detector-with-a-space",
        f"{HEAD}  sources:\n  - {{name: lime two, replay: {{path: f}}}}\n",
        "spec.sources[0].name",
        Category.WORDS,
    ),
    _wrong(
        "image-with-a-space", "  pods: {source: {image: 'a b'}}\n", "spec.pods.source.image", Category.WORDS
    ),
    _wrong(
        "memory-in-words",
        "  pods: {source: {resources: {limits: {memory: 1 GB}}}}\n",
        "spec.pods.source.resources.limits.memory",
        Category.WORDS,
    ),
    _wrong(
        "label-value-with-a-space",
        "  pods: {source: {nodeSelector: {beam: on now}}}\n",
        "spec.pods.source.nodeSelector.beam",
        Category.WORDS,
        "spec.pods.source.nodeSelector[beam]",
    ),
)

_AS_A_WHOLE = {
    "two-crops": "spec.preprocessor.stages",
    "two-windows": "spec.preprocessor.stages",
    "mirror-of-its-own-subject": "spec.sources",
    "mirror-of-anothers-subject": "spec.sources",
    "label-with-a-space": "spec.pods.source.nodeSelector",
}
"""CEL cannot point into a list or at a name of a mapping: it blames the whole."""
_KEYED = {
    "two-sources-of-one-name": "spec.sources",
    "one-nats-user-twice": "spec.local.nats.users",
    "two-claims-in-one-place": "spec.pods.source.claims",
}
BY_OPERATOR = {"template-not-closed", "template-with-huge-width", "template-form-of-a-text"}
"""What no API server finds: the operator says it, in the condition Accepted."""
NULLS = {"stage-left-empty"}
"""`crop:` with nothing behind it is "absent" for the loader and a wrong type for Kubernetes."""

RULES = tuple(
    WrongManifest(
        case.name,
        case.text,
        case.field,
        Category.TWICE if case.name in _KEYED else Category.RULE,
        _AS_A_WHOLE.get(case.name) or _KEYED.get(case.name, ""),
    )
    for case in BROKEN_RULES
    if case.name not in BY_OPERATOR | NULLS
)
MANIFESTS = (*FAULTS, *RULES)
