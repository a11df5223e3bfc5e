//! Every kind of problem: its stable word, status, title, whether repeating helps, and what its page says.

use axum::http::StatusCode;

macro_rules! codes {
    ($( $name:ident $word:literal $status:ident $retry:literal $title:literal $page:literal; )*) => {
        /// A kind of problem. Words and statuses are part of the API and do not change.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $( #[doc = $title] $name, )* }

        impl Code {
            pub const ALL: &'static [Self] = &[$( Self::$name, )*];

            /// The stable word that `code` carries.
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$name => $word, )* }
            }

            pub fn status(self) -> StatusCode {
                match self { $( Self::$name => StatusCode::$status, )* }
            }

            /// Whether the same request may work later.
            pub fn retryable(self) -> bool {
                match self { $( Self::$name => $retry, )* }
            }

            pub fn title(self) -> &'static str {
                match self { $( Self::$name => $title, )* }
            }

            /// What a person should know who meets it.
            pub fn explanation(self) -> &'static str {
                match self { $( Self::$name => $page, )* }
            }
        }
    };
}

codes! {
    BadRequest "bad_request" BAD_REQUEST false "The request cannot be read" "Its syntax is not HTTP as this server reads it.";
    MalformedJson "malformed_json" BAD_REQUEST false "The body is not JSON" "The body could not be parsed as JSON text in UTF-8. `detail` says at which line and column.";
    MalformedMultipart "malformed_multipart" BAD_REQUEST false "The multipart body cannot be read" "The boundary is missing or the body ends in the middle of a part.";
    InvalidParameter "invalid_parameter" BAD_REQUEST false "A parameter is not valid" "A query parameter or header is unknown, repeated, or has a value outside its range. `errors` names each.";
    InvalidCursor "invalid_cursor" BAD_REQUEST false "The cursor is not valid here" "A cursor works only for the key's tenant and with the filters of the page that it came from. Start again without it.";
    IdempotencyKeyMissing "idempotency_key_missing" BAD_REQUEST false "Idempotency-Key is required" "Send a fresh random value with each new request, and the same value when you repeat one.";
    InvalidIdempotencyKey "invalid_idempotency_key" BAD_REQUEST false "Idempotency-Key is not valid" "One header line with 1 to 255 printable ASCII characters, with or without double quotes.";
    UnknownVersion "unknown_version" BAD_REQUEST false "No such Api-Version" "`GET /v1/capabilities` lists the dates that this server knows.";
    Unauthenticated "unauthenticated" UNAUTHORIZED false "A valid API key is required" "Send `Authorization: Bearer assay_live_...`. The key is missing, misspelt, unknown, expired or revoked; which of them is not told.";
    MissingScope "missing_scope" FORBIDDEN false "The key lacks a scope" "The key is valid but was not given the scope that `detail` names.";
    NotFound "not_found" NOT_FOUND false "There is nothing here" "No such address, or no such resource for this key's tenant.";
    UnknownEvidence "unknown_evidence" NOT_FOUND false "Evidence is not known" "`errors` points at each id that names no evidence of this tenant.";
    PageNotReady "page_not_ready" NOT_FOUND true "The page image is not made yet" "Pages are rendered when a verification reads the file. Ask again later; a page number beyond the file's pages never appears.";
    MethodNotAllowed "method_not_allowed" METHOD_NOT_ALLOWED false "This method is not offered here" "`Allow` lists the methods of this address.";
    RequestTimeout "request_timeout" REQUEST_TIMEOUT true "The request took too long to arrive" "No byte of the body came for too long. Send it again.";
    IdempotencyInProgress "idempotency_in_progress" CONFLICT true "The first request with this key still runs" "Repeat the request after `Retry-After` to get its answer.";
    AlreadyTerminal "already_terminal" CONFLICT false "The verification has ended" "Nothing can be canceled any more; `GET` shows how it ended.";
    EvidenceNotReady "evidence_not_ready" CONFLICT true "The upload is not complete" "Send the bytes to `upload.url`, then `POST /v1/evidence/{id}/complete`. A file that is `rejected` stays so: its kind is not read.";
    NotAwaitingEvidence "not_awaiting_evidence" CONFLICT false "Nobody asked for more evidence" "Evidence is added only while `status` is `awaiting_evidence`. Start another verification for other evidence.";
    NotUploaded "not_uploaded" CONFLICT true "The bytes have not arrived" "Nothing was sent to `upload.url` yet.";
    LeaseHeld "lease_held" CONFLICT true "Another reviewer holds the review" "Take another one with `POST /v1/reviews:next`, or wait until the lease ends.";
    LeaseLost "lease_lost" CONFLICT false "The lease is not valid any more" "It ran out or was handed to somebody else. Claim the review again.";
    NotPending "not_pending" CONFLICT false "The review waits for nobody" "It was decided, it expired, or its verification was canceled.";
    AlreadyDecided "already_decided" CONFLICT false "The review was decided differently" "Another decision came first.";
    FourEyes "four_eyes" CONFLICT false "Another person answers this review" "The reviewer named here answered in the same round of review. A second answer and an adjudication are other people's; take another one with `POST /v1/reviews:next`.";
    NotSettled "not_settled" CONFLICT false "There is no settled verdict" "Only a verification that is `final` or `expired` can be corrected. While it is in review, decide the review.";
    EndpointOff "endpoint_off" CONFLICT false "The webhook endpoint is off" "It is told nothing until it is switched on with `POST /v1/webhook_endpoints/{id}/enable`; then repeat this with a fresh `Idempotency-Key`.";
    TooManyEndpoints "too_many_endpoints" CONFLICT false "The tenant has as many webhook endpoints as it may" "Delete one that is not used any more, or let one endpoint hear more kinds of events.";
    RotatedTooOften "rotated_too_often" CONFLICT true "The secret was rotated too often" "Five secrets sign at a time. `Retry-After` says when the oldest of them ends.";
    PreconditionFailed "precondition_failed" PRECONDITION_FAILED false "It was changed since" "`If-Match` names another version than the one that counts, whose `ETag` comes with this answer. Read it, and decide anew what to write.";
    TooLarge "too_large" PAYLOAD_TOO_LARGE false "The body is too large" "`GET /v1/capabilities` lists the limits.";
    UnsupportedContentType "unsupported_content_type" UNSUPPORTED_MEDIA_TYPE false "This Content-Type is not read here" "Send `application/json` in UTF-8, or `multipart/form-data` where a file is uploaded, and either without `Content-Encoding`.";
    UnsupportedMediaType "unsupported_media_type" UNSUPPORTED_MEDIA_TYPE false "This kind of file is not read" "Files are told by their first bytes, not by their name. Read are JPEG, PNG, WebP, TIFF, PDF and plain text in UTF-8.";
    RangeNotSatisfiable "range_not_satisfiable" RANGE_NOT_SATISFIABLE false "The range begins behind the end" "`Content-Range` says how many bytes there are.";
    InvalidBody "invalid_body" UNPROCESSABLE_ENTITY false "The body does not have the expected shape" "`errors` lists every member that is missing, unknown or of another kind, by JSON Pointer.";
    InvalidClaim "invalid_claim" UNPROCESSABLE_ENTITY false "The claim does not match its type" "`errors` lists every fault by JSON Pointer. `GET /v1/claim_types/{name}` shows the fields.";
    UnknownClaimType "unknown_claim_type" UNPROCESSABLE_ENTITY false "No such claim type" "`GET /v1/claim_types` lists them.";
    EmptyEvidence "empty_evidence" UNPROCESSABLE_ENTITY false "The file is empty" "A file of zero bytes shows nothing.";
    UrlNotAllowed "url_not_allowed" UNPROCESSABLE_ENTITY false "Webhooks are not sent to this address" "`errors` says what is wrong with the address. Webhooks go to hosts on the public internet only, over https and to the ports that the operator allows.";
    ChecksumMismatch "checksum_mismatch" UNPROCESSABLE_ENTITY false "The bytes are not the ones announced" "Their SHA-256 or their number differs from what was said. Nothing was kept.";
    IdempotencyKeyReused "idempotency_key_reused" UNPROCESSABLE_ENTITY false "This Idempotency-Key belongs to another request" "The key was used with another method, path or body. Use a fresh one.";
    InvalidDecision "invalid_decision" UNPROCESSABLE_ENTITY false "The decision does not hold together" "`errors` lists the faults by JSON Pointer.";
    PreconditionRequired "precondition_required" PRECONDITION_REQUIRED false "If-Match is required" "Send the `ETag` of what you read as `If-Match`, so that nobody's change is lost.";
    TooManyStreams "too_many_streams" TOO_MANY_REQUESTS true "Too many streams are open" "A key may hold 20 streams at a gateway, of verifications and of events together. Close one, or follow the verification with `?wait=`.";
    Internal "internal" INTERNAL_SERVER_ERROR false "Something failed on our side" "It is logged under `request_id`. Whether the request took effect is not certain: repeat it with the same `Idempotency-Key`.";
    StoreUnavailable "store_unavailable" SERVICE_UNAVAILABLE true "The service cannot reach its storage" "Repeat the request after `Retry-After`, with the same `Idempotency-Key` if it had one: if the storage went away in the middle, it may have taken effect.";
    Overloaded "overloaded" SERVICE_UNAVAILABLE true "The service is stopping or busy" "Repeat the request after `Retry-After`, with the same `Idempotency-Key` if it had one.";
}

impl Code {
    /// The word as its page's address spells it.
    pub fn slug(self) -> String {
        self.as_str().replace('_', "-")
    }

    /// Reads the word or its page's spelling.
    pub fn parse(word: &str) -> Option<Self> {
        let word = word.replace('-', "_");
        Self::ALL.iter().copied().find(|code| code.as_str() == word)
    }

    /// The nearest kind for an error that a library made.
    pub fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::REQUEST_TIMEOUT => Self::RequestTimeout,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedContentType,
            StatusCode::UNPROCESSABLE_ENTITY => Self::InvalidBody,
            StatusCode::SERVICE_UNAVAILABLE => Self::Overloaded,
            status if status.is_client_error() => Self::BadRequest,
            _ => Self::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_unique_and_read_back_in_both_spellings() {
        for code in Code::ALL {
            assert_eq!(Code::parse(code.as_str()), Some(*code));
            assert_eq!(Code::parse(&code.slug()), Some(*code));
            assert!(code.status().is_client_error() || code.status().is_server_error());
        }
    }
}
