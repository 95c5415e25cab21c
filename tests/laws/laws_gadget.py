"""A custom kind that has one of everything a structural schema can say."""

from typing import Any

Object = dict[str, Any]

GROUP, VERSION = "sequences.ouranos.cloud", "v1"
API_VERSION = f"{GROUP}/{VERSION}"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

_PORT: Object = {
    "type": "object",
    "required": ["port"],
    "properties": {
        "port": {"type": "integer", "minimum": 1, "maximum": 65535},
        "protocol": {"type": "string", "default": "TCP", "enum": ["TCP", "UDP"]},
        "name": {"type": "string", "maxLength": 5},
    },
}

_SPEC: Object = {
    "type": "object",
    "properties": {
        "size": {"type": "integer", "minimum": 0, "maximum": 10, "default": 3},
        "colour": {"type": "string", "enum": ["red", "green"]},
        "note": {"type": "string", "nullable": True, "default": "none"},
        "empty": {"type": "string", "nullable": True},
        "port": {"x-kubernetes-int-or-string": True},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "when": {"type": "string", "format": "date-time"},
        "ports": {
            "type": "array",
            "maxItems": 4,
            "items": _PORT,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["port", "protocol"],
        },
        "tags": {
            "type": "array",
            "maxItems": 3,
            "items": {"type": "string", "maxLength": 9},
            "x-kubernetes-list-type": "set",
        },
        "words": {"type": "array", "items": {"type": "string"}},
        "settings": {"type": "object", "additionalProperties": {"type": "string"}},
        "fixed": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "x-kubernetes-map-type": "atomic",
        },
        "nested": {
            "type": "object",
            "default": {},
            "properties": {
                "on": {"type": "boolean", "default": True},
                "depth": {"type": "number", "multipleOf": 0.5},
            },
        },
        "frozen": {
            "type": "string",
            "pattern": "^[a-z]+$",
            "x-kubernetes-validations": [
                {
                    "rule": "self == oldSelf",
                    "message": "frozen stays",
                    "reason": "FieldValueForbidden",
                }
            ],
        },
        "growing": {
            "type": "integer",
            "x-kubernetes-validations": [
                {
                    "rule": "!oldSelf.hasValue() || self >= oldSelf.value()",
                    "messageExpression": "self < 2 ? 'it never shrinks' : 'it does not shrink'",
                    "optionalOldSelf": True,
                }
            ],
        },
    },
    "x-kubernetes-validations": [
        {
            "rule": "!has(self.tags) || size(self.tags) <= self.size",
            "message": "tags must fit into size",
            "fieldPath": ".tags",
        }
    ],
}

_STATUS: Object = {
    "type": "object",
    "properties": {
        "phase": {"type": "string", "default": "New"},
        "count": {"type": "integer"},
        "conditions": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["type", "status"],
                "properties": {"type": {"type": "string"}, "status": {"type": "string"}},
            },
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        },
    },
}


def definition() -> Object:
    """Give the CustomResourceDefinition."""
    schema = {
        "type": "object",
        "required": ["spec"],
        "properties": {"spec": _SPEC, "status": _STATUS},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"gadgets.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {"plural": "gadgets", "kind": "Gadget"},
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    "subresources": {"status": {}},
                }
            ],
        },
    }
