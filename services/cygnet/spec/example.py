"""The commented spec that a newcomer starts from, in `cygnet init` and at the top of the reference."""

from cygnet.spec.dumper import scalar

_DOCUMENT = """\
# A pipeline of Cygnet. Fields that are left out have their defaults; all of them: `cygnet schema`.
apiVersion: cygnet.dev/v1alpha1
kind: Pipeline
metadata:
  name: {name}
spec:
  sources:
    - name: {name:<21} # the detector's name, in subjects, keys and tables
{source}
  preprocessor:
    # stages:                     # what is done to a frame, in order; without stages it is stored as it is
    #   - crop: {{halfWindow: 64}}        # the central 128 x 128 pixels
    #   - window: {{min: 80, max: 120}}   # counts from 80 to 120 become 0 to 1
    scaling:
      minReplicas: 1              # workers follow the load between these two
      maxReplicas: 4
      targetLagSeconds: 30        # a backlog is to be worked off in this time
  aggregator:
    chunkSize: 200                # events in a chunk
    maxAgeSeconds: 60             # a chunk is closed this long after its first event
    format: npz                   # npz or hdf5
  uploader:
    bucket: cygnet                # made when it is not there
    prefix: {name:<21} # chunks are stored under this prefix
"""

_REPLAY = """\
      replay:
        path: {path}
        loop: true                # begin again after the last file, until Ctrl-C; false: every file once
        rateHz: 10                # events per second; without it as fast as the pipeline can take them
        # eventsPerRun: 2000      # events in a run; without it until the run is ended"""

_SIMULATOR = """\
      simulator:
        model: cygno
        preset: sosc              # 576 x 576 uint8 as the school has them; or lime: 2304 x 2304 uint16
        spectrum: overlap         # brightness alone does not tell the recoils apart; or school
        seed: 1                   # another seed gives other events
        # rateHz: 100             # events per second; without it as fast as the pipeline can take them
        # arrivals: poisson       # at random; or fixed
        # eventsPerRun: 2000      # events in a run; without it until the run is ended"""

_ANNOUNCEMENTS = """\
      announcements:
        subjects: [{subject}]
        # dedupeBy: filename+time # announcements with the same name and time count once; or none
        # eventsPerRun: 2000      # events in a run; without it until the run is ended
      # expect: {{dtype: uint8, shape: [512, 512]}}   # another frame becomes a dead letter"""


def replay_spec(name: str, path: str) -> str:
    """Return a spec that replays a folder, relative to the file that the spec is in."""
    return _DOCUMENT.format(name=scalar(name), source=_REPLAY.format(path=scalar(path)))


def simulator_spec(name: str) -> str:
    """Return a spec that simulates a detector."""
    return _DOCUMENT.format(name=scalar(name), source=_SIMULATOR)


def announcements_spec(name: str, subject: str) -> str:
    """Return a spec that takes the announcements of someone else's injector."""
    return _DOCUMENT.format(name=scalar(name), source=_ANNOUNCEMENTS.format(subject=scalar(subject)))
