//! The semantics of Resilience4j as a table: a case or more for each line of what we took from it, named for the line.

use std::time::Duration;

use super::{Scene, small, word};
use crate::breaker::{AfterHalfOpen, Mode, Monotonic, Settings, SlowSettings, State, WindowSettings};

type Case = (&'static str, fn() -> Settings, &'static str);

fn seconds() -> Settings {
    Settings { window: WindowSettings::Time { size_s: 5 }, ..small() }
}

fn slow_at_half() -> Settings {
    Settings { slow: SlowSettings { ms_per_page: 1000, rate: 50.0 }, ..small() }
}

fn backing_off() -> Settings {
    Settings { open_s: 120, open_factor: 2.0, open_max_s: Some(600), ..small() }
}

fn three_probes() -> Settings {
    Settings { half_open_permits: 3, minimum_calls: 5, ..small() }
}

fn impatient() -> Settings {
    Settings { half_open_max_wait_s: 7, ..small() }
}

fn impatient_closing() -> Settings {
    Settings { after_half_open: AfterHalfOpen::Closed, ..impatient() }
}

fn automatic() -> Settings {
    Settings { auto_half_open: true, ..small() }
}

fn automatic_impatient() -> Settings {
    Settings { auto_half_open: true, ..impatient() }
}

fn on_trial() -> Settings {
    Settings { mode: Mode::MetricsOnly, slow: SlowSettings { ms_per_page: 1000, rate: 50.0 }, ..small() }
}

const THRESHOLDS: &[Case] = &[
    ("a failure rate just below its threshold stays closed", small, "2*ok fail ok rate=25 =closed"),
    ("a failure rate at its threshold trips", small, "2*ok fail =closed fail =open rate=50"),
    ("a failure rate above its threshold trips", small, "ok 2*fail =open"),
    ("a slow call is one that took longer than the limit", slow_at_half, "ok 2*slow =open slow=2 slowrate=66.66666666666667"),
    ("slow failures are slow as well", slow_at_half, "2*ok slowfail =closed slowrate=33.333333333333336 slowfailed=1"),
    ("a rate of slow calls at its threshold trips", slow_at_half, "2*ok slow =closed slow =open slowrate=50 rate=0"),
    ("by default only all calls being slow trips", small, "ok 3*slow =closed slowrate=75 slow =open slowrate=100"),
    ("a call is judged as soon as enough are known", small, "2*fail =closed rate=-1 slowrate=-1 fail =open"),
    ("a success can be the call that trips", small, "2*fail ok =open"),
    ("an error that is not recorded as one is a success", small, "3*ok rate=0"),
];

const WINDOWS: &[Case] = &[
    ("a window of calls forgets the oldest", small, "fail 3*ok rate=25 ok rate=0 calls=4 =closed"),
    (
        "a window of calls trips after half its size of failures, however many successes were before",
        small,
        "1000*ok fail =closed fail =open",
    ),
    (
        "a window of calls clamps the minimum to its size",
        || Settings { minimum_calls: 100, ..small() },
        "3*fail =closed rate=-1 fail =open",
    ),
    ("a window of seconds does not clamp the minimum", || Settings { minimum_calls: 9, ..seconds() }, "8*fail +4s =closed fail =open"),
    (
        "a window of seconds whose minimum is not reached within it never trips",
        seconds,
        "fail +2s fail +3s fail +2s fail =closed rate=-1 calls=2",
    ),
    ("a window of seconds holds the current second and those before", seconds, "2*fail +4999ms calls=2 +1ms calls=0 rate=-1"),
    ("a bucket is taken off as a whole", seconds, "ok +900ms ok +100ms ok calls=3 +4s calls=1 +999ms calls=1 +1ms calls=0"),
    ("a window of seconds left alone for just its length is empty", seconds, "2*fail +5s calls=0 rate=-1"),
    ("a window of seconds left alone for longer than itself is empty", seconds, "2*fail +1000s calls=0 ok calls=1"),
    ("a window of seconds holds any number of calls in one second", seconds, "500*ok calls=500 rate=0"),
];

const OPEN: &[Case] = &[
    ("an open breaker refuses until its wait is over", small, "3*fail until=10s no +9999ms no until=1ms +1ms hold =half_open"),
    ("an open breaker shows the figures that opened it", small, "ok 2*fail no calls=3 failed=2 =open"),
    ("without a timer an open breaker stays open when nobody calls", small, "3*fail +1000s tick =open until=0ns hold =half_open"),
    ("with automatic transition the timer is enough", automatic, "3*fail +9999ms tick =open +1ms tick =half_open free=2"),
    ("with automatic transition looking is enough", automatic, "3*fail +10s =half_open"),
    (
        "each re-opening waits longer, up to the longest",
        backing_off,
        "3*fail until=120s attempts=1 +120s 2*fail until=240s attempts=2 +240s 2*fail until=480s +480s 2*fail \
         until=600s +600s 2*fail until=600s attempts=5",
    ),
    (
        "closing takes the wait back to the first",
        backing_off,
        "3*fail +120s 2*fail until=240s +240s 2*ok =closed attempts=0 3*fail until=120s",
    ),
    ("without a factor each wait is the same", small, "3*fail +10s 2*fail until=10s attempts=2 +10s 2*fail until=10s attempts=3"),
];

const HALF_OPEN: &[Case] = &[
    ("permits are taken at admission", small, "3*fail +10s hold free=1 hold free=0 no"),
    ("both probes good close", small, "3*fail +10s ok =half_open ok =closed calls=0"),
    ("both probes bad open", small, "3*fail +10s fail =half_open fail =open"),
    ("one bad probe of two reaches fifty per cent and opens", small, "3*fail +10s ok fail =open"),
    ("one bad probe of three need not open", three_probes, "4*fail +10s ok fail =half_open ok =closed"),
    ("the window of the probes is fresh", small, "3*fail +10s calls=3 hold calls=0 rate=-1"),
    ("the minimum of the probes is the smaller of minimum and permits", three_probes, "4*fail +10s 2*ok =half_open ok =closed"),
    (
        "with a minimum below the permits fewer probes decide",
        || Settings { half_open_permits: 10, ..small() },
        "3*fail +10s 2*ok =half_open ok =closed",
    ),
    ("slow probes open, too", small, "3*fail +10s 2*slow =open"),
    ("a voted permit does not come back", small, "3*fail +10s ok free=1 hold free=0 no"),
    ("an ignored probe gives its permit back", small, "3*fail +10s hold hold no ignore< free=1 calls=0 hold"),
    ("a dropped probe gives its permit back", small, "3*fail +10s hold hold no drop< free=1 calls=0 hold no"),
    ("a hundred dropped probes wedge nothing", small, "3*fail +10s 100*drop free=2 2*ok =closed"),
    ("with no longest stay a probe may take for ever", small, "3*fail +10s 2*hold +100000s no =half_open until=- ok< ok< =closed"),
    ("the longest stay ends in open", impatient, "3*fail +10s 2*hold until=7s no +6999ms no +1ms =open attempts=2 until=10s no"),
    ("the longest stay counts from its end even if nobody looked", impatient, "3*fail +10s hold +9s no until=8s =open"),
    ("a call long after the longest stay is a probe again", impatient, "3*fail +10s 2*hold +17s hold =half_open free=1"),
    ("the longest stay may end in closed", impatient_closing, "3*fail +10s 2*hold +7s =closed attempts=0 ok calls=1"),
    ("a vote after the longest stay is stale", impatient, "3*fail +10s 2*hold +7s ok< ok< =open stale=2"),
    (
        "automatic transition goes on after the longest stay",
        automatic_impatient,
        "3*fail +10s =half_open +7s tick =open +10s tick =half_open",
    ),
];

const VOTES: &[Case] = &[
    ("an ignored call is not counted", small, "2*fail 10*ignore =closed calls=2 rate=-1 fail =open"),
    ("an abandoned call is not counted", small, "2*fail 10*drop =closed calls=2 fail =open"),
    (
        "a call admitted while closed does not vote in half-open",
        small,
        "2*hold 3*fail +10s hold fail< fail< =half_open stale=2 calls=0 free=1",
    ),
    ("a call admitted while closed does not vote in open", small, "hold 3*fail ok< =open stale=1 calls=3"),
    ("a call admitted before a closing does not vote after it", small, "hold 3*fail +10s 2*ok =closed fail< stale=1 calls=0"),
    ("a late drop gives no permit of another stay back", small, "hold 3*fail +10s 2*hold free=0 drop< free=0 no"),
    ("a result may open for a time of its own", small, "ok>3s =open until=3s attempts=0 +3s hold =half_open"),
    ("an error may open for a time of its own", small, "fail>30s =open until=30s attempts=0"),
    ("a vote that trips waits the usual time, whatever was asked", small, "2*fail fail>30s =open until=10s attempts=1"),
    ("a probe that asks for time changes nothing by it", small, "3*fail +10s ok>30s =half_open ok =closed"),
    ("an ignored call that asks for time is ignored", small, "ignore>30s =closed"),
    ("nobody can ask for more than a day", small, "fail>1000000s until=86400s"),
];

const STATES: &[Case] = &[
    ("the initial state is closed", small, "=closed calls=0 rate=-1 until=-"),
    ("the initial state may be metrics only", on_trial, "=metrics_only"),
    ("disabled lets everything pass and counts nothing", small, "disable 10*fail =disabled calls=0 rate=-1"),
    ("forced open refuses for ever", small, "force no +100000s no tick =forced_open until=- calls=0"),
    ("metrics only counts, judges and never refuses", small, "metrics 10*fail =metrics_only rate=100 calls=4 ok"),
    ("metrics only obeys no wish to wait", small, "metrics ok>5s =metrics_only"),
    ("what is imposed shows no figures of before", small, "2*fail force calls=0 disable calls=0"),
    ("lifting begins anew", small, "2*fail force lift =closed calls=0"),
    ("lifting in metrics only by mode stays there", on_trial, "force =forced_open lift =metrics_only"),
    ("lifting what was not imposed changes nothing", small, "3*fail lift =open calls=3 no"),
    ("imposing the same again keeps the figures", small, "metrics 3*fail metrics calls=3 lift =closed"),
    ("imposing what the mode already does keeps the figures", on_trial, "3*fail metrics calls=3 lift calls=3 =metrics_only"),
    ("votes across an override are stale", small, "hold disable fail< hold lift fail< stale=2 calls=0"),
    ("reset closes from every state", small, "3*fail reset =closed calls=0 attempts=0 force reset =closed"),
    ("reset forgets while closed, and what is under way does not count", small, "2*fail hold reset calls=0 fail< calls=0 stale=1"),
    (
        "opening by hand takes its own time and does not lengthen the next",
        small,
        "open>3s no until=3s attempts=0 +3s 2*fail until=10s attempts=1",
    ),
    ("opening again by hand moves the end", small, "open>3s open>9s until=9s"),
];

fn play(cases: &[Case]) {
    for (name, settings, script) in cases {
        // Shown with a failure, which itself says only at which word.
        println!("{name}");
        Scene::new(&settings()).play(script);
    }
}

#[test]
fn thresholds() {
    play(THRESHOLDS);
}

#[test]
fn windows() {
    play(WINDOWS);
}

#[test]
fn the_open_state() {
    play(OPEN);
}

#[test]
fn the_half_open_state() {
    play(HALF_OPEN);
}

#[test]
fn which_votes_count() {
    play(VOTES);
}

#[test]
fn states_and_operators() {
    play(STATES);
}

/// Name, settings, what is played, and what is heard.
type Hearing = (&'static str, fn() -> Settings, &'static str, &'static str);

const EVENTS: &[Hearing] = &[
    ("each call is an event", small, "ok fail ignore drop", "success error ignored abandoned"),
    ("a trip tells the vote, the rate and the change", small, "3*fail", "error error error failure_rate:100 closed>open"),
    (
        "both rates may be exceeded at once",
        small,
        "3*slowfail no",
        "error error error failure_rate:100 slow_rate:100 closed>open not_permitted",
    ),
    ("probes tell no rates", small, "open>1s +1s fail fail", "closed>open open>half_open error error half_open>open"),
    ("closing", small, "open>1s +1s 2*ok", "closed>open open>half_open success success half_open>closed"),
    (
        "the longest stay, and what was due after it",
        automatic_impatient,
        "open>1s +1s tick +7s tick +10s tick",
        "closed>open open>half_open half_open>open open>half_open",
    ),
    (
        "metrics only tells each rate once",
        on_trial,
        "3*fail 3*slowfail 4*ok 4*fail",
        "error error error failure_rate:100 error error slow_rate:50 error success success success success error error error error",
    ),
    ("disabled tells nothing but changes", small, "disable ok fail drop lift", "closed>disabled disabled>closed"),
    ("forced open tells nothing but changes", small, "force 3*no lift", "closed>forced_open forced_open>closed"),
    ("imposing twice tells once", small, "metrics metrics lift lift", "closed>metrics_only metrics_only>closed"),
    ("reset is told, with the change if there is one", small, "reset force reset", "reset closed>forced_open forced_open>closed reset"),
    ("a stale vote is told as one", small, "hold 3*fail ok<", "error error error failure_rate:100 closed>open stale"),
    ("opening an open breaker again is no change", small, "open>1s open>2s", "closed>open"),
];

#[test]
fn events_are_told_in_order_and_numbered_without_gaps() {
    for (name, settings, script, expected) in EVENTS {
        let mut scene = Scene::new(&settings());
        scene.play(script);
        let heard = scene.heard();
        assert_eq!(heard.iter().map(|event| word(&event.kind)).collect::<Vec<_>>().join(" "), *expected, "{name}");
        assert!(heard.iter().map(|event| event.number).eq(1..=heard.len() as u64), "{name}");
    }
}

#[test]
fn states_have_the_numbers_of_resilience4j_and_words_that_read_back() {
    let numbers = ["closed", "open", "half_open", "disabled", "forced_open", "metrics_only"];
    for (code, (state, word)) in (0_u8..).zip(State::ALL.into_iter().zip(numbers)) {
        assert_eq!((state.code(), state.as_str()), (code, word));
        assert_eq!(State::parse(word), Some(state));
        assert_eq!(serde_json::to_value(state).unwrap(), word);
    }
    assert_eq!(State::parse("half-open"), None);
}

#[test]
fn counters_add_up_and_outlive_everything_but_the_breaker() {
    let mut scene = Scene::new(&small());
    scene.play("ok slow 2*fail 2*no reset slowfail ignore 2*drop force no lift disable fail ignore lift hold reset ok<");
    let totals = scene.breaker.snapshot().totals;
    let counted = [totals.succeeded, totals.failed, totals.slow, totals.ignored, totals.not_permitted, totals.abandoned, totals.stale];
    assert_eq!(counted, [2, 3, 2, 1, 3, 2, 1]);
}

#[test]
fn a_call_exactly_at_the_limit_is_not_slow_and_its_size_stretches_the_limit() {
    let scene = Scene::new(&small());
    let slow_after = |units: u32, elapsed: Duration| {
        let before = scene.breaker.snapshot().totals.slow;
        scene.breaker.try_acquire().unwrap().sized(units).succeeded(elapsed);
        scene.breaker.snapshot().totals.slow > before
    };
    let (limit, more) = (Duration::from_secs(1), Duration::from_nanos(1));
    assert!(!slow_after(1, limit));
    assert!(slow_after(1, limit + more));
    assert!(!slow_after(40, 40 * limit));
    assert!(slow_after(40, 40 * limit + more));
    assert!(!slow_after(0, limit));
    assert!(slow_after(u32::MAX, Duration::MAX));
}

#[test]
fn a_refusal_says_why_and_until_when() {
    let mut scene = Scene::new(&small());
    scene.play("3*fail");
    let refused = scene.breaker.try_acquire().unwrap_err();
    assert_eq!((refused.state, refused.until), (State::Open, scene.breaker.snapshot().until));
    assert_eq!(refused.to_string(), "the breaker is open");
    scene.play("+10s 2*hold");
    let refused = scene.breaker.try_acquire().unwrap_err();
    assert_eq!((refused.state, refused.until), (State::HalfOpen, None));
    scene.play("force");
    let refused = scene.breaker.try_acquire().unwrap_err();
    assert_eq!((refused.state, refused.until), (State::ForcedOpen, None));
}

#[test]
fn the_timer_hears_when_it_is_wanted() {
    let mut scene = Scene::new(&automatic_impatient());
    assert_eq!(scene.breaker.tick(), None);
    assert!(scene.breaker.open_for(Duration::from_secs(3)));
    assert_eq!(scene.breaker.tick(), Some(scene.clock.now() + Duration::from_secs(3)));
    scene.play("+3s");
    assert_eq!(scene.breaker.tick(), Some(scene.clock.now() + Duration::from_secs(7)));
    let lazy = Scene::new(&small());
    assert!(lazy.breaker.open_for(Duration::from_secs(3)));
    assert_eq!(lazy.breaker.tick(), None);
}

#[test]
fn a_breaker_opens_by_hand_only_where_it_opens_at_all() {
    for (script, opens) in
        [("", true), ("3*fail", true), ("open>1s +1s hold", true), ("metrics", false), ("disable", false), ("force", false)]
    {
        let mut scene = Scene::new(&small());
        scene.play(script);
        assert_eq!(scene.breaker.open_for(Duration::from_secs(1)), opens, "{script}");
    }
}
