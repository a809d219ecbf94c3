"""What a policy document consists of, declared once: the loader reads by it, `policy.schema.json` is printed from it. Pure.

The descriptions are what an editor shows beside each key. What depends on several keys at once is `document`'s.
"""

from __future__ import annotations

from shared.evidence.kinds import KINDS, Kind
from shared.model.requester import HOME, PRIVATE_ENDPOINT
from shared.model.target_types import TARGET_TYPES, sub_resource_key
from shared.policy.language.fields import DIALECT, GUID, ArmId, Choice, Day, Flag, Number, Schema, Text
from shared.policy.language.records import Either, Field, ListOf, MapOf, Record, Variant
from shared.policy.rules import Effect, Mode
from shared.resource_id import fold

ANY = "any"
MAX_SETTLE_SECONDS = 7 * 24 * 3600

_GUID = Text("a GUID", GUID, fold)
_GROUP = ArmId("a resource group")
_TYPES = tuple(t.name for t in TARGET_TYPES.values())
_REQUESTER_NAME = Text(
    "a requester's name (letters, digits, . _ -, at most 80 characters)",
    "[A-Za-z0-9][A-Za-z0-9._-]{0,79}",
    reserved=ANY,
)

_SCOPE = Record(
    "a scope",
    (
        Field("subscriptions", ListOf(_GUID), "Ids of subscriptions whose resources the app may look after."),
        Field("resourceGroups", ListOf(_GROUP), "Whole ids of resource groups that the app may look after."),
        Field(
            "managementGroups",
            ListOf(Text("a management group's name", r"[A-Za-z0-9_.()-]{1,90}", fold)),
            "Names of management groups; every subscription below them is in scope.",
        ),
    ),
    one_of=("subscriptions", "resourceGroups", "managementGroups"),
)

_ENDPOINT_TENANTS = Field(
    "endpointTenants",
    ListOf(_GUID),
    "Tenants in which the service keeps its private endpoints, as the service itself says. Default: the tenants of "
    "Microsoft that public code names. Where it is written, requests from other tenants hold nobody up.",
)


_REQUIRE_MESSAGE = Field(
    "requireMessage",
    Flag(),
    "true (recommended): a request is proven only by a random request message of 22 characters or more, which the "
    "managed private endpoint carries too. `python -m shared.policy message` prints one.",
    default=False,
)


def _service(kind: Kind) -> Record:
    what = ArmId(kind.what, (kind.resource_type,))
    resource = Field("resource", what, f"The whole id of {kind.what}, which is ours.", required=True)
    message = (_REQUIRE_MESSAGE,) if kind.tie.by_message else ()
    return Record("a requester", (resource, *message, _ENDPOINT_TENANTS))


_REQUESTERS: dict[str, Record] = {
    **{kind.service: _service(kind) for kind in KINDS.values()},
    PRIVATE_ENDPOINT: Record(
        "a privateEndpoint requester",
        (
            Field(
                "tenants",
                ListOf(Either(_GUID, HOME), HOME),
                "Tenants of the subscriptions that hold the private endpoints: ids, or the word home for the app's own.",
            ),
            Field("subscriptions", ListOf(_GUID), "Ids of the subscriptions that hold the private endpoints."),
            Field("resourceGroups", ListOf(_GROUP), "Whole ids of resource groups; the requester may be no other."),
            Field(
                "privateEndpoints",
                ListOf(ArmId("a private endpoint", ("Microsoft.Network/privateEndpoints",))),
                "Whole ids of private endpoints; the requester may be no other.",
            ),
        ),
        one_of=("tenants", "subscriptions"),
    ),
}

_REQUESTER = Variant(
    "a requester",
    "service",
    "Who makes the private endpoints: an Azure service on behalf of a resource of ours, or people (privateEndpoint).",
    _REQUESTERS,
)

_TARGET_FIELDS = (
    Field("types", ListOf(Choice(_TYPES)), "ARM types of the targets."),
    Field("subscriptions", ListOf(_GUID), "Ids of subscriptions that hold the targets."),
    Field("resourceGroups", ListOf(_GROUP), "Whole ids of resource groups that hold the targets."),
    Field("resources", ListOf(ArmId("a target of a supported type", _TYPES)), "Whole ids of the targets."),
    Field(
        "tags",
        MapOf(
            Text("a tag's name", r"[^\x00-\x1f\x7f<>%&\\?/]{1,512}"),
            Text("a tag's value", r"[^\x00-\x1f\x7f]{0,256}"),
            "a mapping of at least one tag's name to its value",
            least=1,
        ),
        "Tags that the target must have, all of them; values compare with case.",
    ),
)
_TARGETS = Record(
    "selectors of targets (or the word any)", _TARGET_FIELDS, one_of=tuple(field.key for field in _TARGET_FIELDS)
)

_FIREWALL = Record(
    "a firewall section",
    (
        Field(
            "publicNetworkAccess",
            Choice(("selectedNetworks", "disabled")),
            "Public access to the target once the connection works; omitted: as it is. Nothing is ever loosened.",
        ),
        Field(
            "trustedServices",
            Choice(("keep", "deny")),
            "deny removes only the exception for trusted Azure services.",
            default="keep",
        ),
        Field(
            "settleSeconds",
            Number(0, MAX_SETTLE_SECONDS),
            "Seconds between the approval and the change of the firewall.",
            default=120,
        ),
    ),
)

_RULE = Record(
    "a rule",
    (
        Field(
            "name",
            Text("a rule's name (a-z, 0-9, -, at most 40 characters)", "[a-z0-9-]{1,40}"),
            "Unique; it is written into approvals, alerts and the ledger.",
            required=True,
        ),
        Field(
            "effect",
            Choice(tuple(Effect)),
            "allow approves what also has its evidence; deny leaves it pending; reject is final in Azure. "
            "reject beats deny, which beats allow.",
            required=True,
        ),
        Field(
            "requesters",
            ListOf(_REQUESTER_NAME, ANY),
            "Names from `requesters`; in deny and reject rules also the word any, not in a list.",
            required=True,
        ),
        Field(
            "targets",
            Either(_TARGETS, ANY),
            "Selectors of the targets, all of which must agree (values within one: any of them), or the word any.",
            required=True,
        ),
        Field(
            "subResources",
            ListOf(Text("a sub-resource such as blob or namespace", "[A-Za-z0-9_-]{1,80}", sub_resource_key)),
            "Sub-resources (group ids) of the target that may be asked for; omitted: any.",
        ),
        Field("firewall", _FIREWALL, "What to close once the connection works; omitted: leave the firewall alone."),
        Field("owner", Text("who answers for the rule"), "Who answers for the rule; shown, never checked."),
        Field("expires", Day(), "The last day (UTC) on which the rule matches, as YYYY-MM-DD."),
        Field(
            "maxConnections",
            Number(1, 10_000),
            "Approved connections of one target that may rest on this rule; at the limit it stops matching.",
        ),
        Field(
            "mode",
            Choice(tuple(Mode)),
            "audit: this rule's decisions are recorded and alerted, and change nothing in Azure.",
        ),
    ),
)

POLICY = Record(
    "a policy",
    (
        Field("version", Number(1, 1), "The version of this format: 1.", required=True),
        Field(
            "mode",
            Choice(tuple(Mode)),
            "audit decides, records and alerts, and changes nothing in Azure; enforce acts.",
            default=Mode.AUDIT,
        ),
        Field("scope", _SCOPE, "Nothing outside is read or written; a union.", required=True),
        Field(
            "requesters",
            MapOf(_REQUESTER_NAME, _REQUESTER, "a mapping of names to requesters"),
            "Who may make private endpoints, by a name that the rules use.",
        ),
        Field("rules", ListOf(_RULE), "Every rule is looked at; their order never changes an outcome.", required=True),
    ),
)


def json_schema() -> Schema:
    """The JSON Schema (2020-12) of a policy: whatever it refuses the loader refuses too, never the other way round."""
    return {
        "$schema": DIALECT,
        "title": "Private Endpoint Approver: policy",
        "description": "Which private endpoint connections are approved, and on what evidence.",
    } | POLICY.schema()
