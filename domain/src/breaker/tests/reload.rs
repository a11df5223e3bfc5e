//! A change of configuration while the breaker works.

use super::{Scene, checked, small};
use crate::breaker::{Mode, Settings, WindowSettings};

fn reload(scene: &Scene, settings: &Settings) {
    scene.breaker.reconfigure(checked(settings));
}

#[test]
fn thresholds_apply_from_the_next_vote_and_the_figures_stay() {
    let mut scene = Scene::new(&Settings { failure_rate: 100.0, ..small() });
    scene.play("ok 2*fail =closed");
    reload(&scene, &small());
    scene.play("calls=3 =closed ok =open");
}

#[test]
fn another_window_begins_empty_and_votes_under_way_count_in_it() {
    let mut scene = Scene::new(&small());
    scene.play("2*fail hold");
    reload(&scene, &Settings { window: WindowSettings::Time { size_s: 5 }, ..small() });
    scene.play("calls=0 fail< calls=1 stale=0 =closed");
}

#[test]
fn a_wait_that_has_begun_keeps_its_end() {
    let mut scene = Scene::new(&small());
    scene.play("3*fail +4s");
    reload(&scene, &Settings { open_s: 100, ..small() });
    scene.play("until=6s +6s 2*fail until=100s");
}

#[test]
fn a_half_open_breaker_begins_its_stay_again() {
    let mut scene = Scene::new(&small());
    scene.play("3*fail +10s 2*hold");
    reload(&scene, &Settings { half_open_permits: 3, ..small() });
    scene.play("=half_open free=3 fail< fail< stale=2 3*ok =closed");
}

#[test]
fn the_same_configuration_again_changes_nothing() {
    let mut scene = Scene::new(&small());
    scene.play("3*fail +10s 2*hold");
    let before = scene.breaker.snapshot();
    reload(&scene, &small());
    assert_eq!(scene.breaker.snapshot(), before);
}

#[test]
fn a_trial_ends_and_begins_with_the_mode() {
    let trial = Settings { mode: Mode::MetricsOnly, ..small() };
    let mut scene = Scene::new(&trial);
    scene.play("5*fail =metrics_only");
    reload(&scene, &small());
    scene.play("=closed calls=0 3*fail =open");
    reload(&scene, &trial);
    scene.play("=metrics_only 5*fail");
}

#[test]
fn what_is_imposed_stays_and_lifting_it_follows_the_new_mode() {
    let mut scene = Scene::new(&small());
    scene.play("force");
    reload(&scene, &Settings { mode: Mode::MetricsOnly, ..small() });
    scene.play("=forced_open no lift =metrics_only");
}
