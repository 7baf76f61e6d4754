from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.routing import Candidate, choose


def route(id, *, provider=None, priority=0, weight=1, free=None, **more):
    return Candidate(id, provider or id, f"model-{id}", priority, weight, free, **more)


candidates = st.builds(
    Candidate,
    route_id=st.integers(1, 99),
    provider_id=st.integers(1, 4),
    upstream_model=st.just("model"),
    priority=st.integers(0, 3),
    weight=st.integers(0, 5),
    free=st.none() | st.integers(-1, 3),
    cost=st.none() | st.integers(1, 3),
    is_healthy=st.booleans(),
)
any_candidates = st.lists(candidates, max_size=8)
dice = st.floats(0, 1, exclude_max=True)
avoid = st.none() | st.integers(1, 4)


def has_room(candidate):
    return candidate.free is None or candidate.free > 0


class TestWhateverTheCandidates:
    @given(any_candidates, avoid, dice)
    def test_a_full_route_is_never_chosen(self, routes, avoid, dice):
        chosen = choose(routes, avoid=avoid, dice=dice)
        assert chosen is None or has_room(chosen)

    @given(any_candidates, avoid, dice)
    def test_one_is_chosen_if_and_only_if_one_has_room(self, routes, avoid, dice):
        assert (choose(routes, avoid=avoid, dice=dice) is not None) == any(map(has_room, routes))

    @given(any_candidates, avoid, dice)
    def test_the_avoided_provider_is_chosen_only_if_no_other_has_room(self, routes, avoid, dice):
        chosen = choose(routes, avoid=avoid, dice=dice)
        others_have_room = any(has_room(route) for route in routes if route.provider_id != avoid)
        assert not (others_have_room and chosen.provider_id == avoid)

    @given(any_candidates, dice)
    def test_none_of_a_lower_priority_number_had_room_and_was_as_well(self, routes, dice):
        chosen = choose(routes, avoid=None, dice=dice)
        if chosen is not None:
            rivals = [route for route in routes if has_room(route) and route.is_healthy >= chosen.is_healthy]
            assert chosen.priority == min(route.priority for route in rivals)

    @given(any_candidates, avoid, dice)
    def test_one_that_fails_its_checks_is_chosen_only_if_no_healthy_one_has_room(self, routes, avoid, dice):
        chosen = choose(routes, avoid=avoid, dice=dice)
        if chosen is None or chosen.is_healthy:
            return
        assert not any(has_room(route) and route.is_healthy for route in routes if route.provider_id != avoid)

    @given(any_candidates, dice)
    def test_none_like_it_costs_less(self, routes, dice):
        chosen = choose(routes, avoid=None, dice=dice)
        if chosen is None or chosen.weight == 0:
            return
        like = [
            route
            for route in routes
            if has_room(route) and route.weight > 0 and (route.priority, route.is_healthy) == (chosen.priority, chosen.is_healthy)
        ]
        known = [route.cost for route in like if route.cost is not None]
        assert chosen.cost == (min(known) if known else None)

    @given(any_candidates, avoid, dice)
    def test_weight_zero_is_chosen_only_among_its_like(self, routes, avoid, dice):
        chosen = choose(routes, avoid=avoid, dice=dice)
        if chosen is None or chosen.weight > 0:
            return
        like = (chosen.priority, chosen.is_healthy)
        rivals = [one for one in routes if has_room(one) and (one.priority, one.is_healthy) == like and one.provider_id != avoid]
        assert all(one.weight == 0 for one in rivals)

    @given(any_candidates, avoid, dice)
    def test_the_same_dice_give_the_same_route(self, routes, avoid, dice):
        assert choose(routes, avoid=avoid, dice=dice) is choose(list(routes), avoid=avoid, dice=dice)


class TestWeights:
    @given(st.lists(st.integers(0, 9), min_size=1, max_size=6).filter(any))
    def test_share_the_dice_exactly(self, weights):
        routes = [route(id, weight=weight) for id, weight in enumerate(weights)]
        faces = sum(weights) * 4
        drawn = Counter(choose(routes, avoid=None, dice=(face + 0.5) / faces).route_id for face in range(faces))
        assert {id: Fraction(drawn[id], 4) for id in range(len(weights))} == dict(enumerate(weights))

    def test_end_where_the_next_share_begins(self):
        routes = [route(1, weight=1), route(2, weight=3)]
        assert [choose(routes, avoid=None, dice=dice).route_id for dice in (0.0, 0.2499, 0.25, 0.9999)] == [1, 1, 2, 2]

    def test_all_of_zero_are_equals(self):
        routes = [route(1, weight=0), route(2, weight=0)]
        assert [choose(routes, avoid=None, dice=dice).route_id for dice in (0.0, 0.4, 0.6, 0.999)] == [1, 1, 2, 2]

    @given(st.lists(st.integers(1, 10**6), min_size=1, max_size=20))
    def test_leave_no_gap_at_the_end_of_the_dice(self, weights):
        routes = [route(id, weight=weight) for id, weight in enumerate(weights)]
        assert choose(routes, avoid=None, dice=0.9999999999999999).route_id == len(weights) - 1


class TestTwoProviders:
    @pytest.mark.parametrize(
        ("first", "second", "avoid", "chosen"),
        [
            (route(1), route(2, priority=1), None, 1),
            (route(1, free=0), route(2, priority=1), None, 2),
            (route(1), route(2, priority=1), 1, 2),
            (route(1), route(2, priority=1, free=0), 1, 1),
            (route(1, free=0), route(2, priority=1, free=0), None, None),
            (route(1, provider=7), route(2, provider=7), 7, 1),
            (route(1, cost=2), route(2, cost=1), None, 2),
            (route(1, cost=2), route(2, cost=1, priority=1), None, 1),
            (route(1, cost=2), route(2, cost=1, free=0), None, 1),
            (route(1), route(2, cost=9), None, 2),
            (route(1, cost=2), route(2, cost=1, weight=0), None, 1),
            (route(1, is_healthy=False), route(2, priority=1), None, 2),
            (route(1, is_healthy=False), route(2, priority=1, free=0), None, 1),
            (route(1, is_healthy=False), route(2, priority=1), 2, 1),
        ],
    )
    def test_the_first_with_room_that_need_not_be_avoided(self, first, second, avoid, chosen):
        found = choose([first, second], avoid=avoid, dice=0.0)
        assert (found and found.route_id) == chosen

    def test_no_candidate_no_route(self):
        assert choose([], avoid=None, dice=0.5) is None
