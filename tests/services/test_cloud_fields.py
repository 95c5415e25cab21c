"""Is what others have taken given up, and nothing else?"""

from ouranos.services import cloud_fields

ANSWER = {
    "details": {
        "causes": [
            {
                "reason": "FieldManagerConflict",
                "message": 'conflict with "kubectl-edit" using ouranos.cloud/v1alpha1',
                "field": ".spec.replicas",
            },
            {"reason": "SomethingElse", "message": "x", "field": ".spec.region"},
            {"reason": "FieldManagerConflict", "message": "?", "field": ".metadata.labels.a.b/c"},
        ]
    }
}
WANTED = {
    "metadata": {"name": "nova", "labels": {"a": "1", "a.b/c": "2"}},
    "spec": {"replicas": 1, "region": "x", "config": {"DEFAULT": {"a": [1, 2], "a.b": 1}}},
}


def test_the_answer_names_fields_and_their_managers() -> None:
    assert cloud_fields.taken(ANSWER) == (
        cloud_fields.Taken(".spec.replicas", "kubectl-edit"),
        cloud_fields.Taken(".metadata.labels.a.b/c", "another manager"),
    )


def test_an_answer_without_causes_names_none() -> None:
    assert cloud_fields.taken({"reason": "Conflict"}) == ()


def test_only_what_is_taken_is_given_up() -> None:
    fields = [one.field for one in cloud_fields.taken(ANSWER)]
    assert cloud_fields.without(WANTED, fields) == {
        "metadata": {"name": "nova", "labels": {"a": "1"}},
        "spec": {"region": "x", "config": {"DEFAULT": {"a": [1, 2], "a.b": 1}}},
    }


def test_an_option_whose_name_holds_a_dot_is_found() -> None:
    left = cloud_fields.without(WANTED, [".spec.config.DEFAULT.a.b"])
    assert left["spec"]["config"] == {"DEFAULT": {"a": [1, 2]}}


def test_an_item_of_a_list_gives_up_the_list() -> None:
    left = cloud_fields.without(WANTED, [".spec.config.DEFAULT.a[0]"])
    assert left["spec"]["config"] == {"DEFAULT": {"a.b": 1}}


def test_a_field_that_is_not_wanted_changes_nothing() -> None:
    assert cloud_fields.without(WANTED, [".spec.other", ".status"]) == WANTED
