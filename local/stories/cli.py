"""`python -m local demo` (`make demo`): plays the stories and says what happened."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass

from local.stories import (
    decisions,
    s1_data_explorer,
    s2_graph_data_connect,
    s3_stranger,
    s4_manual,
    s5_impostors,
    s6_firewall_put_back,
)
from local.stories.expect import StoryError
from local.stories.screen import Screen
from local.stories.stage import Stage


@dataclass(frozen=True, slots=True)
class Story:
    """A story; `play` raises `StoryError` when it does not end as it should."""

    number: int
    title: str
    play: Callable[[Stage], None]


STORIES = (
    Story(1, s1_data_explorer.TITLE, s1_data_explorer.play),
    Story(2, s2_graph_data_connect.TITLE, s2_graph_data_connect.play),
    Story(3, s3_stranger.TITLE, s3_stranger.play),
    Story(4, s4_manual.TITLE, s4_manual.play),
    Story(5, s5_impostors.TITLE, s5_impostors.play),
    Story(6, s6_firewall_put_back.TITLE, s6_firewall_put_back.play),
)


def main(arguments: list[str]) -> int:
    """Play all stories; answers 0 only when every one ended as it should."""
    argparse.ArgumentParser(prog="python -m local demo", description=__doc__).parse_args(arguments)
    began, screen = time.monotonic(), Screen()
    screen.say("Starting the local Azure and the Functions host ...")
    try:
        with Stage(screen) as stage:
            failed = [story.number for story in STORIES if not _played(story, stage)]
            connection_string = stage.azure.settings["AzureWebJobsStorage"]
            screen.table("Decisions in the ledger", decisions.COLUMNS, decisions.rows(connection_string))
            log = stage.host.log()
    except KeyboardInterrupt:
        return 130
    taken = f"{time.monotonic() - began:.0f} s"
    if failed:
        screen.say(f"\nNot as it should be: story {', '.join(map(str, failed))} ({taken})", "bold red")
        screen.say(f"The host's log is in {_kept(log)}")
        return 1
    screen.say(f"\nEvery story ended as it should ({taken}).", "bold green")
    return 0


def _played(story: Story, stage: Stage) -> bool:
    stage.screen.heading(f"Story {story.number}: {story.title}")
    try:
        story.play(stage)
    except StoryError as error:
        stage.screen.say(f"    {error}", "red")
        return False
    return True


def _kept(log: str) -> str:
    """The path of a file with a log; it outlives the demo."""
    with tempfile.NamedTemporaryFile("w", prefix="stories-", suffix=".log", delete=False, encoding="utf-8") as file:
        file.write(log)
    return file.name
