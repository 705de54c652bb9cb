"""A new rule, on both databases: written box by box or as an expression, tried, proposed; each mistake beside its word, nothing lost."""

import html
import re
from typing import Any

from sqlalchemy import select

from alerts.alert import Alert
from alerts.risk.conditions import CONDITIONS
from alerts.risk.rule_checks import LONGEST_KEY
from alerts.risk.settings import settings_of
from alerts.rule_words import CONDITION_NAMES
from committees import profiles
from committees.places import by_code
from coordination.rule_form import key_of
from foundation.outbox import OutboxMessage
from tests.coordination.test_rules_pages import TOWN, WHY, approve, in_force, send, ticked, versions
from tests.make import WARD, Town

NEW = f"/rules/{TOWN}/new"
CROWDS: dict[str, Any] = {
    "condition[0]": "sources",
    "label": "Crowds that two people tell of",
    "when[0].sources.kinds": ["angry_crowd"],
    "when[0].sources.at_least": "1",
    "when[0].sources.within_hours": "24",
    "level": "3",
    "tell": ["secretary", "chair", "city_officer"],
    "clock_minutes": "60",
    "cool_down_hours": "12",
}


def test_a_new_rule_is_written_tried_and_proposed(town: Town) -> None:
    town.report(kind="angry_crowd", how_known="heard", ongoing="no")
    town.work()
    secretary = town.browser("secretary.mardan")
    assert f'href="{NEW}"' in secretary.open(f"/rules/{TOWN}")
    page = secretary.open(NEW)
    assert 'value="sources"' in page
    assert "When should it speak?" in page
    page = secretary.open(f"{NEW}?condition=sources")
    assert "Known people who must report it, at least" in page
    page = send(secretary, NEW, act="try", **CROWDS)
    assert (secretary.status, versions(town)) == (200, [])
    assert "1 known person or more report “Angry crowd" in page
    assert "Would open an alert at Raised" in page
    assert 'value="Crowds that two people tell of"' in page
    assert ticked(page, "when[0].sources.kinds") == {"angry_crowd"}
    assert "is proposed" in send(secretary, NEW, act="propose", reason=WHY, **CROWDS)
    approve(town)
    assert in_force(town, "crowds_that_two_people_tell_of", WARD) == {
        "key": "crowds_that_two_people_tell_of",
        "label": "Crowds that two people tell of",
        "when": {"sources": {"kinds": ["angry_crowd"], "at_least": 1, "within_hours": 24}},
        "level": 3,
        "tell": "town",
        "clock_minutes": 60,
        "cool_down_hours": 12,
    }
    town.report("member2.mardan", kind="angry_crowd", how_known="heard", ongoing="no")
    town.work()
    with town.session() as session:
        rules = set(session.scalars(select(Alert.rule)))
    assert "crowds_that_two_people_tell_of" in rules, "it speaks once it holds"
    assert "Crowds that two people tell of" in secretary.open(f"/rules/{TOWN}")


def test_a_mistake_in_a_new_rule_stands_beside_its_word(town: Town) -> None:
    secretary = town.browser("secretary.mardan")
    secretary.open(f"{NEW}?condition=sources")
    wrong = {
        "label": ("  ", "Give the rule a name, in a few words"),
        "when[0].sources.at_least": ("many", "“many” is not a whole number from 1 to 50."),
        "when[0].sources.within_hours": ("0", "“0” is not a number from 0.25 to 672."),
        "clock_minutes": ("300", "At level 3 an answer is due within 240 minutes at most."),
        "tell": ([], "A rule must tell somebody."),
        "cool_down_hours": ("", "“” is not a number from 0 to 720."),
        "reason": ("so", "Write in one or two sentences why"),
    }
    for name, (said, mistake) in wrong.items():
        fields = {**CROWDS, "reason": WHY, name: said}
        page = send(secretary, NEW, act="propose", **fields)
        assert secretary.status == 422, name
        assert f'id="f-{name}-error">{mistake}' in page, name
        for other in ("label", "when[0].sources.at_least", "cool_down_hours"):
            assert f'name="{other}" type="text" value="{fields[other]}"' in page, (name, other)
        assert ticked(page, "when[0].sources.kinds") == {"angry_crowd"}
    for label in (
        "Nobody has sent news for two weeks",
        "the same kind of RUMOUR  from two known sources in three days",
    ):
        page = send(secretary, NEW, act="try", **{**CROWDS, "label": label})
        assert 'id="f-label-error">There is a rule with this name already' in page
    assert versions(town) == []


def test_another_condition_shows_its_boxes_first_and_loses_nothing(town: Town) -> None:
    secretary = town.browser("secretary.mardan")
    secretary.open(f"{NEW}?condition=sources")
    page = send(secretary, NEW, act="propose", reason=WHY, **{**CROWDS, "condition[0]": "window"})
    assert (secretary.status, versions(town)) == (200, [])
    assert "Which dates" in page
    assert WHY in page
    page = secretary.send(NEW, act="show", label=CROWDS["label"], **{"condition[0]": "sources"})
    assert ticked(page, "when[0].sources.kinds") == {"angry_crowd"}
    assert 'name="when[0].sources.within_hours" type="text" value="24"' in page


def test_a_new_rule_may_be_an_expression(town: Town) -> None:
    contact = town.browser("national.pk")
    contact.open(f"{NEW}?condition=expression")
    asked = {"condition[0]": "expression", "label": "سطح بلند ہے", "reason": WHY}
    page = send(contact, NEW, act="try", expression="", **asked)
    assert 'id="f-expression-error"' in page
    page = send(contact, NEW, act="try", expression="level >= \n thre", **asked)
    assert 'id="f-expression-error">There is no “thre” to look at.' in page
    assert "level &gt;= \n thre" in page
    assert "is proposed" in send(contact, NEW, act="propose", expression="level >= 3", **asked)
    approve(town)
    assert in_force(town, "rule")["expression"] == "level >= 3"
    contact.open(f"{NEW}?condition=expression")
    asked["label"] = "ایک اور"
    assert "is proposed" in send(contact, NEW, act="propose", expression="level >= 4", **asked)
    approve(town)
    assert in_force(town, "rule_2")["label"] == "ایک اور"


def test_several_conditions_are_added_joined_and_taken_away_without_a_script(town: Town) -> None:
    secretary = town.browser("secretary.mardan")
    secretary.open(f"{NEW}?condition=sources")
    page = send(secretary, NEW, act="add", more="window", **CROWDS)
    assert (secretary.status, "Condition 2" in page) == (200, True)
    assert ticked(page, "when[0].sources.kinds") == {"angry_crowd"}
    assert 'name="when[0].sources.within_hours" type="text" value="24"' in page
    dates = {"condition[1]": "window", "when[1].window.kinds": ["festival"], "join": "all"}
    page = send(secretary, NEW, act="sentence", **CROWDS, **dates)
    assert "within 24 hours, and a date is near: “" in html.unescape(page)
    assert "What it would do now" not in page
    page = send(secretary, NEW, act="add", more="surge", **CROWDS, **dates)
    surge = {"condition[2]": "surge", "when[2].surge.probability": "5", "when[2].surge.sources": "2"}
    page = send(secretary, NEW, act="try", **CROWDS, **{**dates, "join": "any"}, **surge)
    assert 'id="f-when[2].surge.probability-error">“5” is not a number from 0 to 1.' in page
    page = send(secretary, NEW, act="remove.1", **CROWDS, **dates, **surge)
    assert 'name="when[1].surge.probability" type="text" value="5"' in page
    assert "Condition 3" not in page
    left = {"condition[1]": "surge", "when[1].surge.probability": "0.6", "when[1].surge.sources": "2"}
    send(secretary, NEW, act="propose", reason=WHY, join="any", **CROWDS, **left)
    (version,) = versions(town)
    assert version.document["rules"][0]["when"] == {
        "any": [
            {"sources": {"kinds": ["angry_crowd"], "at_least": 1, "within_hours": 24}},
            {"surge": {"probability": 0.6, "sources": 2}},
        ]
    }


def test_what_a_rule_says_asks_and_whom_it_tells(town: Town) -> None:
    """Its message, its word, its advice, one alert for each line of tension, roles, and a clock for each level of the score."""
    secretary = town.browser("secretary.mardan")
    secretary.open(f"{NEW}?condition=sources")
    does = {"template": "verify", "what": "tension", "action": "keep_away", "per_threat": "yes"}
    fields = {**CROWDS, **does, "tell": ["secretary", "police_liaison"], "inhibits": ["rumour_check"]}
    page = html.unescape(send(secretary, NEW, act="sentence", **fields))
    assert "tell secretary, police liaison, level Raised" in page
    assert "Its message asks people to check first whether it is true." in page
    assert "Each line of tension has an alert of its own." in page
    assert "please check Mardan: Local tension," in page
    page = send(secretary, NEW, act="propose", reason=WHY, **{**fields, "level": "4", "clock_minutes": "30"})
    assert 'id="f-template-error">From level 4 on the message is always the alert itself.' in page
    page = send(
        secretary, NEW, act="propose", reason=WHY, **{**fields, "template": "alert", "level": "score"}
    )
    assert "There is more to fill in now." in page
    assert versions(town) == []
    for level, minutes in (("3", "60"), ("4", "30"), ("5", "10")):
        assert f'name="clock_minutes.{level}" type="text" value="{minutes}"' in page or level == "3"
    clocks = {"clock_minutes.3": "60", "clock_minutes.4": "20", "clock_minutes.5": "5"}
    fields |= {"template": "alert", "level": "score"}
    assert "is proposed" in send(secretary, NEW, act="propose", reason=WHY, **{**fields, **clocks})
    approve(town)
    held = in_force(town, "crowds_that_two_people_tell_of")
    assert (held["level"], held["clock_minutes"]) == ("score", {"3": 60, "4": 20, "5": 5})
    assert (held["tell"], held["inhibits"]) == (["secretary", "police_liaison"], ["rumour_check"])
    assert (held["what"], held["action"], held["per_threat"]) == ("tension", "keep_away", True)


def test_a_rule_of_its_own_words_is_what_people_are_sent(town: Town) -> None:
    with town.session("seed", write=True) as session:
        place = by_code(session, TOWN)
        rows = [
            {"key": "crowd_now", "off": True},
            {
                "key": "ours", "label": "Ours", "expression": "incidents.size() > 0", "level": 2, "tell": "committee",
                "clock_minutes": 120, "template": "verify", "what": "tension", "action": "elders",
            },
        ]  # fmt: skip
        made = profiles.draft(
            session, town.clock.now(), place.id, {"rules": rows}, author_id=None, reason=WHY
        )
        profiles.publish(session, town.clock.now(), made)
    town.work()
    town.report(kind="angry_crowd", how_known="heard", ongoing="no")
    town.work()
    with town.session() as session:
        sent = session.scalars(select(OutboxMessage).where(OutboxMessage.template == "verify")).all()
        assert {row.slots["what"] for row in sent} == {"tension"}
        alert = session.scalars(select(Alert).where(Alert.rule == "ours")).first()
        assert alert
        assert (alert.template, alert.what, alert.action) == ("verify", "tension", "elders")
    assert "Please ask elders to speak" in town.browser("secretary.mardan").open(f"/a/{alert.id}")


def test_only_those_who_may_change_rules_may_add_one(town: Town) -> None:
    for code in ("city.mardan", "auditor", "member1.mardan"):
        reader = town.browser(code)
        assert NEW not in reader.open(f"/rules/{TOWN}")
        reader.open(f"{NEW}?condition=sources")
        assert reader.status == 403, code


def test_every_condition_has_its_page_in_every_language(town: Town) -> None:
    for language in ("en", "ur"):
        secretary = town.browser("secretary.mardan", language)
        for condition in CONDITION_NAMES:
            page = secretary.open(f"{NEW}?condition={condition}")
            assert secretary.status == 200
            assert len(page.encode()) < 60_000, condition
            shown = re.findall(rf'name="when\[0\]\.{condition}\.(\w+)"', page)
            assert condition == "expression" or set(shown) == set(settings_of(CONDITIONS[condition]))


def test_a_key_is_made_of_the_name_and_is_nobody_elses() -> None:
    assert key_of("Fights, near the bazaar!", set()) == "fights_near_the_bazaar"
    assert key_of("Fights", {"fights", "fights_2"}) == "fights_3"
    assert key_of("لڑائی", {"rule"}) == "rule_2"
    assert len(key_of("long " * 30, {"rule"})) <= LONGEST_KEY


def test_a_key_of_a_place_below_is_not_taken_again(town: Town) -> None:
    """A ward's rule of the same key would lie over the town's, and nobody would see that the new one is not heard there."""
    with town.session(write=True) as session:
        rows = [{"key": "fights", "label": "Fights", "level": 2, "tell": "town", "expression": "level >= 4"}]
        ward = by_code(session, WARD)
        profiles.draft(session, town.clock.now(), ward.id, {"rules": rows}, author_id=None, reason=WHY)
    secretary = town.browser("secretary.mardan")
    secretary.open(f"{NEW}?condition=sources")
    send(secretary, NEW, act="propose", reason=WHY, **{**CROWDS, "label": "Fights"})
    assert [row["key"] for version in versions(town) for row in version.document["rules"]] == ["fights_2"]
