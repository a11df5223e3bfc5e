//! Permits.

use std::time::Duration;

use crate::serve::admission::Admission;
use crate::serve::request::Tenant;
use crate::serve::{Settings, SettingsError};

#[test]
fn what_is_full_says_so_and_a_dropped_permit_makes_room() {
    let admission = Admission::new(100, 150);
    let first = admission.admit(Tenant(1), 60).expect("room");
    let second = admission.admit(Tenant(1), 40).expect("just enough room");
    assert_eq!(admission.admit(Tenant(1), 1).map(drop).map_err(|full| full.what), Err("tenant"));
    let third = admission.admit(Tenant(2), 50).expect("another tenant's room");
    assert_eq!(admission.admit(Tenant(3), 1).map(drop).map_err(|full| full.what), Err("total"));
    assert_eq!(admission.in_use(), 150);
    drop(second);
    assert!(admission.admit(Tenant(3), 40).is_ok());
    drop((first, third));
    assert_eq!(admission.in_use(), 0);
}

#[test]
fn the_time_to_come_back_follows_from_the_excess_and_the_pace() {
    let admission = Admission::new(1_000, 2_000);
    let all: Vec<_> = (0..2).map(|tenant| admission.admit(Tenant(tenant), 1_000).expect("room")).collect();
    let retry_after = |tenant, cost| admission.admit(Tenant(tenant), cost).map(drop).expect_err("full").retry_after;
    assert_eq!(retry_after(2, 500), Duration::from_secs(1), "nothing has run, so nothing is known");
    admission.ran(1_000, Duration::from_secs(1));
    assert_eq!(retry_after(2, 500), Duration::from_millis(500));
    assert_eq!(retry_after(2, 1), Duration::from_millis(50), "not before the next batch");
    assert_eq!(retry_after(2, 1_000_000), Duration::from_secs(30), "no guess further ahead");
    assert_eq!(retry_after(0, 500), Duration::from_secs(1), "two tenants share the pace");
    // The newest batch counts, and so do those before it.
    admission.ran(6_000, Duration::from_secs(1));
    assert_eq!(retry_after(2, 500), Duration::from_millis(250));
    drop(all);
}

#[test]
fn bounds_that_contradict_each_other_are_refused() {
    let settings = |batch_items, item_cost, tenant_cost, total_cost| Settings {
        name: "test",
        batch_items,
        batch_cost: 100,
        item_cost,
        tenant_cost,
        total_cost,
        age_cap: Duration::from_secs(1),
    };
    for (settings, outcome) in [
        (settings(4, 200, 200, 200), Ok(())),
        (settings(0, 200, 200, 200), Err(SettingsError::NoRoom)),
        (settings(4, 0, 200, 200), Err(SettingsError::NoRoom)),
        (settings(4, 201, 200, 200), Err(SettingsError::ItemBeyondTenant { item: 201, tenant: 200 })),
        (settings(4, 200, 201, 200), Err(SettingsError::TenantBeyondTotal { tenant: 201, total: 200 })),
    ] {
        assert_eq!(settings.check(), outcome, "{settings:?}");
    }
}
