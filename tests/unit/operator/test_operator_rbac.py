"""The operator may what it needs and nothing else."""

from cygnet_operator.rbac import RULES, manifest_rules


def test_secrets_are_written_and_never_read() -> None:
    [rule] = [rule for rule in RULES if rule.resource == "secrets"]
    assert rule.verbs == ("create", "patch")


def test_nothing_is_deleted_and_nothing_is_asked_for_by_a_star() -> None:
    for rule in manifest_rules():
        assert not {"*", "delete", "deletecollection", "update", "impersonate", "escalate"} & set(
            rule["verbs"]
        )
        assert "*" not in rule["resources"] + rule["apiGroups"]


def test_a_pipeline_is_read_and_only_its_status_is_written() -> None:
    verbs = {rule.resource: rule.verbs for rule in RULES if rule.group == "cygnet.dev"}
    assert verbs == {"pipelines": ("list", "watch"), "pipelines/status": ("patch",)}
