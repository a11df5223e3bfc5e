//! The names of everything the gateway counts, in one place.

/// A metric of the gateway. Names are read by dashboards and alerts, so they do not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Seconds from the first byte of a request's head to the head of its answer; labels `route`, `method`, `status`.
    HttpRequestSeconds,
    /// Requests being answered.
    HttpRequestsInFlight,
    /// Connections open.
    HttpConnections,
    /// Streams of Server-Sent Events open.
    HttpStreams,
    /// Problem documents sent; label `code`.
    HttpProblemsTotal,
    /// Keys refused; label `reason`.
    AuthRefusedTotal,
    /// Keys answered from memory.
    AuthCacheHitsTotal,
    /// Verifications accepted; label `claim_type`.
    VerificationsAcceptedTotal,
    /// Requests answered from a kept answer.
    IdempotentReplaysTotal,
    /// Bytes of evidence stored.
    EvidenceBytesTotal,
    /// Decisions recorded; labels `verdict`, `delivery` (`kept` for answers that another person must confirm).
    DecisionsTotal,
    /// Settled verdicts corrected; labels `from`, `to`.
    CorrectionsTotal,
    /// Calls to the engine; labels `call`, `outcome`.
    EngineCallsTotal,
    /// Messages that wait for the engine.
    OutboxDepth,
    /// Seconds that the oldest of them has waited.
    OutboxAgeSeconds,
    /// Messages delivered by the relay; labels `kind`, `outcome`.
    OutboxDeliveriesTotal,
    /// Verifications that have not ended and that no workflow works on, at the last look.
    VerificationsOrphaned,
    /// Tasks that wait in the engine; label `pool`.
    QueueBacklog,
    /// Seconds that the oldest of them has waited; label `pool`.
    QueueAgeSeconds,
    /// Workers that poll; label `pool`.
    QueuePollers,
}

impl Metric {
    pub const ALL: [Self; 20] = [
        Self::HttpRequestSeconds,
        Self::HttpRequestsInFlight,
        Self::HttpConnections,
        Self::HttpStreams,
        Self::HttpProblemsTotal,
        Self::AuthRefusedTotal,
        Self::AuthCacheHitsTotal,
        Self::VerificationsAcceptedTotal,
        Self::IdempotentReplaysTotal,
        Self::EvidenceBytesTotal,
        Self::DecisionsTotal,
        Self::CorrectionsTotal,
        Self::EngineCallsTotal,
        Self::OutboxDepth,
        Self::OutboxAgeSeconds,
        Self::OutboxDeliveriesTotal,
        Self::VerificationsOrphaned,
        Self::QueueBacklog,
        Self::QueueAgeSeconds,
        Self::QueuePollers,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HttpRequestSeconds => "assay_http_request_seconds",
            Self::HttpRequestsInFlight => "assay_http_requests_in_flight",
            Self::HttpConnections => "assay_http_connections",
            Self::HttpStreams => "assay_http_streams",
            Self::HttpProblemsTotal => "assay_http_problems_total",
            Self::AuthRefusedTotal => "assay_auth_refused_total",
            Self::AuthCacheHitsTotal => "assay_auth_cache_hits_total",
            Self::VerificationsAcceptedTotal => "assay_verifications_accepted_total",
            Self::IdempotentReplaysTotal => "assay_idempotent_replays_total",
            Self::EvidenceBytesTotal => "assay_evidence_bytes_total",
            Self::DecisionsTotal => "assay_decisions_total",
            Self::CorrectionsTotal => "assay_corrections_total",
            Self::EngineCallsTotal => "assay_engine_calls_total",
            Self::OutboxDepth => "assay_outbox_depth",
            Self::OutboxAgeSeconds => "assay_outbox_age_seconds",
            Self::OutboxDeliveriesTotal => "assay_outbox_deliveries_total",
            Self::VerificationsOrphaned => "assay_verifications_orphaned",
            Self::QueueBacklog => "assay_queue_backlog",
            Self::QueueAgeSeconds => "assay_queue_age_seconds",
            Self::QueuePollers => "assay_queue_pollers",
        }
    }
}

/// Up while it lives; comes down however its owner ends, a dropped future included.
pub(crate) struct Gauge(Metric);

impl Gauge {
    pub fn raise(metric: Metric) -> Self {
        metrics::gauge!(metric.as_str()).increment(1.0);
        Self(metric)
    }
}

impl Drop for Gauge {
    fn drop(&mut self) {
        metrics::gauge!(self.0.as_str()).decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_end_in_total_and_seconds_in_seconds() {
        for metric in Metric::ALL {
            let name = metric.as_str();
            assert!(name.starts_with("assay_"), "{name}");
            assert_eq!(format!("{metric:?}").ends_with("Total"), name.ends_with("_total"), "{name}");
        }
    }
}
