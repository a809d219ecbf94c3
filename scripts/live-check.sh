#!/usr/bin/env bash
# What does Azure itself do when a private endpoint connection is requested, approved, rejected and deleted?
# Makes targets, a requester and a recorder in a subscription of yours, plays the requests, writes what Event Grid and the
# activity log told, and removes everything again. NOT YET RUN on live Azure; see docs/live-azure.md.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/live-check.sh --target SUBSCRIPTION [--requester SUBSCRIPTION] [options]

  --target ID      the subscription that gets the targets and the recorder
  --requester ID   the subscription that asks for private endpoints (default: the same; better: one of another tenant)
  --location NAME  default: westeurope
  --wait SECONDS   how long to listen for events after each step (default: 180)
  --out DIR        where the findings go (default: live-check-<time>)
  --keep           leave the resource groups in place
  --yes            do not ask before anything is made
  --dry-run        print the commands that write, run none of them

Needs: az (logged in), jq. Rights: Contributor on both subscriptions, or on them the right to make resource groups.
Cost: two storage accounts, one Event Hubs namespace (Standard), three private endpoints, for about an hour: below one euro.
TEXT
}

target="" requester="" location="westeurope" wait=180 out="" keep=no yes=no dry=no
while [ $# -gt 0 ]; do
  case $1 in
    --target) target=$2; shift 2 ;;
    --requester) requester=$2; shift 2 ;;
    --location) location=$2; shift 2 ;;
    --wait) wait=$2; shift 2 ;;
    --out) out=$2; shift 2 ;;
    --keep) keep=yes; shift ;;
    --yes) yes=yes; shift ;;
    --dry-run) dry=yes; shift ;;
    -h | --help) usage; exit 0 ;;
    *) echo "unknown option: $1" >&2; usage >&2; exit 2 ;;
  esac
done
[ -n "$target" ] || { usage >&2; exit 2; }
requester=${requester:-$target}
for tool in az jq; do
  command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; exit 2; }
done

tag=$(printf '%04x%04x' $RANDOM $RANDOM)
group="rg-approver-check-$tag" requester_group="rg-approver-check-$tag-requester"
recorder="strecord$tag" account="sttarget$tag" namespace="ehtarget$tag"
out=${out:-live-check-$(date -u +%Y%m%dT%H%M%SZ)}
provider="/subscriptions/$target/resourceGroups/$group/providers"
storage_id="$provider/Microsoft.Storage/storageAccounts/$account"
hubs_id="$provider/Microsoft.EventHub/namespaces/$namespace"

note() { printf '%s  %s\n' "$(date -u +%H:%M:%S)" "$*" | tee -a "$out/notes.txt"; }

# Every command that writes goes through here, so that --dry-run shows them all.
run() {
  if [ "$dry" = yes ]; then printf '+ %s\n' "$*"; return; fi
  "$@" --output none --only-show-errors
}

cleanup() {
  [ "$keep" = no ] || { echo "kept: $group and $requester_group"; return; }
  run az group delete --subscription "$requester" --name "$requester_group" --yes --no-wait ||
    echo "not deleted: $requester_group in $requester" >&2
  run az group delete --subscription "$target" --name "$group" --yes --no-wait || echo "not deleted: $group in $target" >&2
}

make_recorder() {
  run az group create --subscription "$target" --name "$group" --location "$location" --tags purpose=approver-live-check
  run az storage account create --subscription "$target" --resource-group "$group" --name "$recorder" --sku Standard_LRS
  run az storage queue create --subscription "$target" --account-name "$recorder" --name events --auth-mode key
  local queue="$provider/Microsoft.Storage/storageAccounts/$recorder/queueservices/default/queues/events"
  local kind
  for kind in Microsoft.Resources.Subscriptions Microsoft.ResourceNotifications.Resources; do
    run az eventgrid system-topic create --subscription "$target" --resource-group "$group" --name "check-${kind##*.}" \
      --location global --topic-type "$kind" --source "/subscriptions/$target"
    # No filter: the point is to see everything. The name of what is recorded is in subject and data.
    run az eventgrid system-topic event-subscription create --subscription "$target" --resource-group "$group" \
      --system-topic-name "check-${kind##*.}" --name record --endpoint-type storagequeue --endpoint "$queue"
  done
}

make_targets() {
  run az storage account create --subscription "$target" --resource-group "$group" --name "$account" --sku Standard_LRS
  run az eventhubs namespace create --subscription "$target" --resource-group "$group" --name "$namespace" --sku Standard
}

make_requester() {
  run az group create --subscription "$requester" --name "$requester_group" --location "$location" \
    --tags purpose=approver-live-check
  run az network vnet create --subscription "$requester" --resource-group "$requester_group" --name vnet \
    --address-prefixes 10.77.0.0/24 --subnet-name endpoints --subnet-prefixes 10.77.0.0/26
}

# ask NAME TARGET-ID SUB-RESOURCE
ask() {
  note "ask: $1 ($3)"
  run az network private-endpoint create --subscription "$requester" --resource-group "$requester_group" --name "$1" \
    --vnet-name vnet --subnet endpoints --connection-name "$1" --private-connection-resource-id "$2" --group-id "$3" \
    --manual-request true --request-message "approver live check $tag"
}

connections() { # TARGET-ID: what the target shows, as JSON
  [ "$dry" = no ] || { echo '[]'; return; }
  az network private-endpoint-connection list --subscription "$target" --id "$1" --output json
}

# decide approve|reject|delete TARGET-ID PRIVATE-ENDPOINT-NAME
decide() {
  note "$1: $3"
  local id
  id=$(connections "$2" | jq -r --arg name "/privateEndpoints/$3" \
    '.[] | select(.properties.privateEndpoint.id | endswith($name)) | .id')
  if [ "$dry" = yes ]; then id="<connection of $3>"; fi
  [ -n "$id" ] || { note "no connection of $3 at $2"; return; }
  case $1 in
    delete) run az network private-endpoint-connection delete --id "$id" --yes ;;
    *) run az network private-endpoint-connection "$1" --id "$id" --description "approver live check" ;;
  esac
}

# listen STEP: drain the recorder's queue into a file. Of an event's claims only the application's id is kept.
listen() {
  local step=$1 until=$((SECONDS + wait)) batch
  [ "$dry" = no ] || { echo "+ listen for $wait s: $step"; return; }
  note "listening for $wait s: $step"
  while [ $SECONDS -lt $until ]; do
    batch=$(az storage message get --subscription "$target" --account-name "$recorder" --queue-name events --auth-mode key \
      --num-messages 32 --visibility-timeout 60 --output json --only-show-errors)
    jq -c --arg step "$step" --arg at "$(date -u +%FT%TZ)" '.[] | (.content | @base64d? // .) | fromjson | (if type == "array"
      then .[] else . end) | {step: $step, drainedAt: $at, eventType, eventTime, subject,
      operationName: .data.operationName, resourceUri: .data.resourceUri, status: .data.status,
      correlationId: .data.correlationId, appid: .data.claims.appid,
      connections: .data.resourceInfo.properties.privateEndpointConnections}' <<<"$batch" >>"$out/events.jsonl"
    jq -r '.[] | [.id, .popReceipt] | @tsv' <<<"$batch" | while IFS=$'\t' read -r id receipt; do
      az storage message delete --subscription "$target" --account-name "$recorder" --queue-name events --auth-mode key \
        --id "$id" --pop-receipt "$receipt" --output none --only-show-errors
    done
    [ "$(jq length <<<"$batch")" -gt 0 ] || sleep 5
  done
  { connections "$storage_id"; connections "$hubs_id"; } | jq -c --arg step "$step" '.[] | {step: $step, connection: .}' \
    >>"$out/connections.jsonl"
}

# The tenant of a subscription, as ARM's challenge to a caller without a token tells it.
challenge() {
  curl -s -o /dev/null -D - "https://management.azure.com/subscriptions/$requester?api-version=2015-01-01" |
    tr -d '\r' | grep -i '^www-authenticate:' >"$out/challenge.txt" || note "no challenge for $requester"
}

activity_log() {
  az monitor activity-log list --subscription "$target" --resource-group "$group" --offset 3h --max-events 1000 --output json |
    jq -c '.[] | select(.operationName.value | test("privateEndpointConnection"; "i")) | {at: .eventTimestamp,
      operationName: .operationName.value, status: .status.value, resourceId, appid: .claims.appid}' >"$out/activity.jsonl"
}

summary() {
  echo "step, events, operation, delay in seconds (first), application"
  jq -rs 'group_by([.step, .eventType, .operationName, .appid])[] | [.[0].step, length,
    (.[0].operationName // .[0].eventType), ([.[] | (.drainedAt | fromdate) - (.eventTime | .[0:19] + "Z" | fromdate)] | min),
    .[0].appid] | map(tostring) | join(", ")' "$out/events.jsonl" | tee "$out/summary.csv"
}

mkdir -p "$out"
echo "targets and recorder: $group in $target; requester: $requester_group in $requester; findings: $out/"
if [ "$yes" = no ] && [ "$dry" = no ]; then
  read -r -p "Make them, and delete them at the end? [y/N] " answer
  [ "$answer" = y ] || exit 1
fi
trap cleanup EXIT

make_recorder
make_targets
make_requester
listen "nothing asked yet"

ask pe-blob "$storage_id" blob
ask pe-hubs "$hubs_id" namespace
listen "asked"

decide approve "$storage_id" pe-blob
decide reject "$hubs_id" pe-hubs
listen "blob approved, hubs rejected"

ask pe-hubs "$hubs_id" namespace
listen "hubs asked again after the rejection"

decide delete "$storage_id" pe-blob
run az network private-endpoint delete --subscription "$requester" --resource-group "$requester_group" --name pe-hubs
listen "connection deleted at the target, private endpoint deleted at the requester"

[ "$dry" = no ] || exit 0
challenge
activity_log
summary
