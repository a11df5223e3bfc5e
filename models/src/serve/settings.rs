//! How much a served model takes at once.

use std::time::Duration;

use thiserror::Error;

/// Bounds of one model. Costs are lengths as `Backend::length` gives them: columns, tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Names the model in metrics and threads.
    pub name: &'static str,
    /// Items of a batch.
    pub batch_items: usize,
    /// Cost of a batch with its filling: the longest item's, times the items.
    pub batch_cost: usize,
    /// Cost of the largest item that is admitted. One that costs more than a batch may runs alone.
    pub item_cost: usize,
    /// Cost that one tenant may have admitted and not yet answered.
    pub tenant_cost: usize,
    /// The same over all tenants. It bounds memory and waiting alike.
    pub total_cost: usize,
    /// An item that waited this long is no longer passed by: neither by higher priorities nor by other tenants' turns.
    pub age_cap: Duration,
}

/// Bounds that contradict each other, found before anything starts.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SettingsError {
    #[error("a batch needs room for at least one item")]
    NoRoom,
    #[error("the largest item ({item}) has no place in what a tenant may have ({tenant}), so it would be told to come back for ever")]
    ItemBeyondTenant { item: usize, tenant: usize },
    #[error("a tenant may have more ({tenant}) than all together ({total})")]
    TenantBeyondTotal { tenant: usize, total: usize },
}

impl Settings {
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let Self { batch_items, batch_cost, item_cost: item, tenant_cost: tenant, total_cost: total, .. } = *self;
        if batch_items == 0 || batch_cost == 0 || item == 0 {
            return Err(SettingsError::NoRoom);
        }
        if item > tenant {
            return Err(SettingsError::ItemBeyondTenant { item, tenant });
        }
        if tenant > total {
            return Err(SettingsError::TenantBeyondTotal { tenant, total });
        }
        Ok(())
    }
}
