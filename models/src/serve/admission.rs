//! Permits by cost, per tenant and overall. What has no permit does not wait, it is told when to come back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::pace::Pace;
use super::request::Tenant;

/// Coming back sooner would only be refused again, since a batch takes about as long.
const SOONEST: Duration = Duration::from_millis(50);
/// A longer guess is worth nothing: by then the load is another.
const LATEST: Duration = Duration::from_secs(30);
/// Said before the first batch has shown how quick the model is.
const UNKNOWN: Duration = Duration::from_secs(1);

/// What is admitted and not yet answered.
pub(super) struct Admission {
    tenant_cost: usize,
    total_cost: usize,
    admitted: Mutex<Admitted>,
}

#[derive(Default)]
struct Admitted {
    total: usize,
    /// Only tenants that have something, so the map stays as small as the load.
    tenants: HashMap<Tenant, usize>,
    pace: Pace,
}

/// Room for one item; dropped, it gives the room back.
pub(super) struct Permit {
    admission: Arc<Admission>,
    tenant: Tenant,
    cost: usize,
}

/// No room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full {
    pub retry_after: Duration,
    /// What ran out, for metrics: `tenant` or `total`.
    pub what: &'static str,
}

impl Admission {
    pub fn new(tenant_cost: usize, total_cost: usize) -> Arc<Self> {
        Arc::new(Self { tenant_cost, total_cost, admitted: Mutex::default() })
    }

    pub fn admit(self: &Arc<Self>, tenant: Tenant, cost: usize) -> Result<Permit, Full> {
        let mut admitted = self.lock();
        let own = admitted.tenants.get(&tenant).copied().unwrap_or(0);
        let (total_excess, own_excess) =
            ((admitted.total + cost).saturating_sub(self.total_cost), (own + cost).saturating_sub(self.tenant_cost));
        if total_excess > 0 || own_excess > 0 {
            // Tenants take turns, so one tenant's excess goes at its share of the pace.
            let to_wait_for = total_excess.max(own_excess * admitted.tenants.len());
            let guess = admitted.pace.time_for(to_wait_for).unwrap_or(UNKNOWN);
            let what = if total_excess > 0 { "total" } else { "tenant" };
            return Err(Full { retry_after: guess.clamp(SOONEST, LATEST), what });
        }
        admitted.total += cost;
        *admitted.tenants.entry(tenant).or_default() += cost;
        Ok(Permit { admission: Arc::clone(self), tenant, cost })
    }

    /// A batch of this cost, filling not counted, took this long.
    pub fn ran(&self, cost: usize, took: Duration) {
        self.lock().pace.note(cost, took);
    }

    pub fn pace(&self) -> Pace {
        self.lock().pace
    }

    #[cfg(test)]
    pub fn in_use(&self) -> usize {
        let admitted = self.lock();
        assert_eq!(admitted.total, admitted.tenants.values().sum::<usize>());
        admitted.total
    }

    fn lock(&self) -> MutexGuard<'_, Admitted> {
        // Nothing under the lock can panic half way.
        self.admitted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut admitted = self.admission.lock();
        admitted.total -= self.cost;
        if let Some(own) = admitted.tenants.get_mut(&self.tenant) {
            *own -= self.cost;
            if *own == 0 {
                admitted.tenants.remove(&self.tenant);
            }
        }
    }
}
