//! Objects in S3 or a store that speaks its protocol. Every byte that arrives is checked against a SHA-256, by the store itself.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation, SharedHttpClient};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::{PresignedRequest as SdkPresigned, PresigningConfig};
use aws_sdk_s3::primitives::ByteStream as Body;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, CompletedMultipartUpload, CompletedPart};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::Utc;

use super::multipart::{self, Part, PartStore};
use super::{ByteStream, ObjectError, ObjectMeta, Objects, PresignedRequest, PutOutcome, Uploaded};
use crate::error::Cause;

/// Where the bucket is and who may use it.
#[derive(Clone)]
pub struct ObjectsConfig {
    /// As processes reach it: `http://host:port`.
    pub endpoint: String,
    /// As clients reach it, for presigned requests; the same where absent.
    pub public_endpoint: Option<String>,
    pub region: String,
    pub bucket: String,
    pub access_key: String,
    pub secret_key: String,
    /// For a new connection.
    pub connect_timeout: Duration,
    /// For one try of one request, a part of 10 MB included.
    pub attempt_timeout: Duration,
}

impl ObjectsConfig {
    /// The defaults for a bucket.
    pub fn new(endpoint: &str, region: &str, bucket: &str, access_key: &str, secret_key: &str) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            public_endpoint: None,
            region: region.to_owned(),
            bucket: bucket.to_owned(),
            access_key: access_key.to_owned(),
            secret_key: secret_key.to_owned(),
            connect_timeout: Duration::from_secs(2),
            attempt_timeout: Duration::from_secs(30),
        }
    }
}

impl fmt::Debug for ObjectsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectsConfig").field("endpoint", &self.endpoint).field("bucket", &self.bucket).finish_non_exhaustive()
    }
}

/// A bucket. Cheap to clone.
#[derive(Clone)]
pub struct S3Objects {
    client: Client,
    /// Signs for the address that clients use.
    signer: Client,
    bucket: String,
}

impl S3Objects {
    /// Prepares a client without calling the store.
    pub fn new(config: &ObjectsConfig) -> Self {
        let public = config.public_endpoint.as_deref().unwrap_or(&config.endpoint);
        let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let client = |endpoint| client(config, endpoint, http.clone());
        Self { client: client(&config.endpoint), signer: client(public), bucket: config.bucket.clone() }
    }

    async fn put_object(
        &self,
        doing: &'static str,
        key: &str,
        bytes: Bytes,
        media_type: &str,
        sha256: &[u8; 32],
        if_none_match: Option<&str>,
    ) -> Result<(), ObjectError> {
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type(media_type)
            .checksum_sha256(STANDARD.encode(sha256))
            .set_if_none_match(if_none_match.map(str::to_owned))
            .body(Body::from(bytes))
            .send()
            .await
            .map(|_| ())
            .map_err(|error| failed(doing, key, error))
    }

    pub(crate) fn parts(&self, key: &str, media_type: &str) -> Parts {
        Parts { objects: self.clone(), key: key.to_owned(), media_type: media_type.to_owned() }
    }
}

fn client(config: &ObjectsConfig, endpoint: &str, http: SharedHttpClient) -> Client {
    let timeouts =
        TimeoutConfig::builder().connect_timeout(config.connect_timeout).operation_attempt_timeout(config.attempt_timeout).build();
    let sdk = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(config.region.clone()))
        .endpoint_url(endpoint)
        // A bucket as part of the host name needs a wildcard in the DNS, which stores on one machine do not have.
        .force_path_style(true)
        .credentials_provider(Credentials::new(&config.access_key, &config.secret_key, None, None, "assay"))
        .http_client(http)
        .timeout_config(timeouts)
        // A quick second and third try inside a request; what lasts longer is the caller's retry.
        .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50)))
        // We give the checksums that matter ourselves. Others would come as trailers, which not every store knows.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .build();
    Client::from_conf(sdk)
}

/// Sorts an error of the SDK.
fn failed<E>(doing: &'static str, key: &str, error: SdkError<E>) -> ObjectError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or_default().to_owned();
    let status = error.raw_response().map(|response| response.status().as_u16());
    match (code.as_str(), status) {
        ("NoSuchKey" | "NotFound", _) | ("", Some(404)) => ObjectError::NotFound { key: key.to_owned() },
        // A bucket that is not there is a setting to mend, not the end of every object in it.
        ("NoSuchBucket", _) => ObjectError::Unavailable { doing, source: Box::new(error) },
        ("BadDigest" | "InvalidDigest" | "XAmzContentSHA256Mismatch" | "XAmzContentChecksumMismatch", _) => ObjectError::ChecksumMismatch,
        (_, Some(429 | 500..)) | (_, None) => ObjectError::Unavailable { doing, source: Box::new(error) },
        ("RequestTimeout" | "SlowDown" | "OperationAborted" | "ConditionalRequestConflict", _) => {
            ObjectError::Unavailable { doing, source: Box::new(error) }
        }
        _ => ObjectError::Refused { doing, source: Box::new(error) },
    }
}

fn refused(doing: &'static str, source: impl Into<Cause>) -> ObjectError {
    ObjectError::Refused { doing, source: source.into() }
}

/// Absent is an answer, not an error.
fn maybe<T>(result: Result<T, ObjectError>) -> Result<Option<T>, ObjectError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(ObjectError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A SHA-256 of the whole object; `None` for a checksum of checksums, which ends in the number of its parts.
fn read_checksum(text: Option<&str>) -> Option<[u8; 32]> {
    STANDARD.decode(text?).ok()?.try_into().ok()
}

#[async_trait]
impl Objects for S3Objects {
    async fn put_if_absent(&self, key: &str, bytes: Bytes, media_type: &str, sha256: [u8; 32]) -> Result<PutOutcome, ObjectError> {
        match self.put_object("store an object once", key, bytes, media_type, &sha256, Some("*")).await {
            Ok(()) => Ok(PutOutcome::Stored),
            Err(ObjectError::Refused { source, .. }) if is_precondition(&source) => Ok(PutOutcome::AlreadyThere),
            Err(error) => Err(error),
        }
    }

    async fn put(&self, key: &str, bytes: Bytes, media_type: &str, sha256: [u8; 32]) -> Result<(), ObjectError> {
        self.put_object("store an object", key, bytes, media_type, &sha256, None).await
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, ObjectError> {
        let sent = self.client.get_object().bucket(&self.bucket).key(key).send().await;
        let Some(object) = maybe(sent.map_err(|error| failed("read an object", key, error)))? else { return Ok(None) };
        let body = object.body.collect().await;
        let bytes = body.map_err(|error| ObjectError::Unavailable { doing: "read an object to its end", source: error.into() })?;
        Ok(Some(bytes.into_bytes()))
    }

    async fn get_range(&self, key: &str, offset: u64, length: u64) -> Result<Option<Bytes>, ObjectError> {
        if length == 0 {
            return Ok(self.head(key).await?.filter(|meta| offset < meta.size).map(|_| Bytes::new()));
        }
        let range = format!("bytes={offset}-{}", offset.saturating_add(length - 1));
        let sent = self.client.get_object().bucket(&self.bucket).key(key).range(range).send().await;
        let object = match sent {
            Ok(object) => object,
            Err(error) if error.raw_response().is_some_and(|response| response.status().as_u16() == 416) => return Ok(None),
            Err(error) => return maybe(Err(failed("read a part of an object", key, error))),
        };
        let body = object.body.collect().await;
        let bytes = body.map_err(|error| ObjectError::Unavailable { doing: "read a part of an object", source: error.into() })?;
        Ok(Some(bytes.into_bytes()))
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectMeta>, ObjectError> {
        let sent = self.client.head_object().bucket(&self.bucket).key(key).checksum_mode(ChecksumMode::Enabled).send().await;
        let found = maybe(sent.map_err(|error| failed("look at an object", key, error)))?;
        Ok(found.map(|head| ObjectMeta {
            size: head.content_length().unwrap_or_default().unsigned_abs(),
            sha256: read_checksum(head.checksum_sha256()),
            media_type: head.content_type().map(str::to_owned),
        }))
    }

    async fn delete(&self, key: &str) -> Result<(), ObjectError> {
        let sent = self.client.delete_object().bucket(&self.bucket).key(key).send().await;
        maybe(sent.map_err(|error| failed("remove an object", key, error)))?;
        Ok(())
    }

    async fn upload_stream(&self, key: &str, stream: ByteStream, media_type: &str) -> Result<Uploaded, ObjectError> {
        multipart::upload(Arc::new(self.parts(key, media_type)), stream).await
    }

    async fn presign_put(
        &self,
        key: &str,
        sha256: [u8; 32],
        size: u64,
        media_type: &str,
        ttl: Duration,
    ) -> Result<PresignedRequest, ObjectError> {
        let doing = "sign an upload";
        let length = i64::try_from(size).map_err(|error| refused(doing, error))?;
        let signing = PresigningConfig::expires_in(ttl).map_err(|error| refused(doing, error))?;
        let request = self
            .signer
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type(media_type)
            .content_length(length)
            .checksum_sha256(STANDARD.encode(sha256))
            .presigned(signing)
            .await
            .map_err(|error| refused(doing, error))?;
        Ok(presigned(request, ttl))
    }

    async fn presign_get(&self, key: &str, ttl: Duration) -> Result<PresignedRequest, ObjectError> {
        let doing = "sign a download";
        let signing = PresigningConfig::expires_in(ttl).map_err(|error| refused(doing, error))?;
        let request = self
            .signer
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .response_content_disposition("attachment")
            .presigned(signing)
            .await
            .map_err(|error| refused(doing, error))?;
        Ok(presigned(request, ttl))
    }

    async fn copy(&self, from: &str, to: &str) -> Result<(), ObjectError> {
        // Our keys need no escaping, see `key`.
        let source = format!("{}/{from}", self.bucket);
        self.client
            .copy_object()
            .bucket(&self.bucket)
            .key(to)
            .copy_source(source)
            .send()
            .await
            .map(|_| ())
            .map_err(|error| failed("copy an object", from, error))
    }

    async fn ensure_bucket(&self) -> Result<(), ObjectError> {
        let created = self.client.create_bucket().bucket(&self.bucket).send().await;
        let Err(error) = created else { return Ok(()) };
        let code = error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or_default();
        if matches!(code, "BucketAlreadyOwnedByYou" | "BucketAlreadyExists") {
            return Ok(());
        }
        // Where the keys may not create buckets, an existing one is good enough.
        let error = failed("create the bucket", &self.bucket, error);
        if matches!(error, ObjectError::Refused { .. }) && self.ping().await.is_ok() { Ok(()) } else { Err(error) }
    }

    async fn ping(&self) -> Result<(), ObjectError> {
        let sent = self.client.head_bucket().bucket(&self.bucket).send().await;
        sent.map(|_| ()).map_err(|error| failed("ping the bucket", &self.bucket, error))
    }
}

fn presigned(request: SdkPresigned, ttl: Duration) -> PresignedRequest {
    PresignedRequest {
        url: request.uri().to_owned(),
        method: request.method().to_owned(),
        headers: request.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        expires_at: Utc::now() + ttl,
    }
}

fn is_precondition(error: &Cause) -> bool {
    error
        .downcast_ref::<SdkError<aws_sdk_s3::operation::put_object::PutObjectError>>()
        .and_then(SdkError::raw_response)
        .is_some_and(|response| response.status().as_u16() == 412)
}

/// One object that arrives in parts.
pub(crate) struct Parts {
    objects: S3Objects,
    key: String,
    media_type: String,
}

#[async_trait]
impl PartStore for Parts {
    async fn put_whole(&self, bytes: Bytes, sha256: [u8; 32]) -> Result<(), ObjectError> {
        self.objects.put(&self.key, bytes, &self.media_type, sha256).await
    }

    async fn begin(&self) -> Result<String, ObjectError> {
        let doing = "begin an upload in parts";
        let begun = self
            .objects
            .client
            .create_multipart_upload()
            .bucket(&self.objects.bucket)
            .key(&self.key)
            .content_type(&self.media_type)
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .send()
            .await
            .map_err(|error| failed(doing, &self.key, error))?;
        begun.upload_id().map(str::to_owned).ok_or_else(|| refused(doing, "the store gave the upload no name"))
    }

    async fn put_part(&self, upload: &str, number: i32, bytes: Bytes, sha256: [u8; 32]) -> Result<String, ObjectError> {
        let doing = "store a part";
        let stored = self
            .objects
            .client
            .upload_part()
            .bucket(&self.objects.bucket)
            .key(&self.key)
            .upload_id(upload)
            .part_number(number)
            .checksum_sha256(STANDARD.encode(sha256))
            .body(Body::from(bytes))
            .send()
            .await
            .map_err(|error| failed(doing, &self.key, error))?;
        stored.e_tag().map(str::to_owned).ok_or_else(|| refused(doing, "the store gave the part no tag"))
    }

    async fn complete(&self, upload: &str, parts: Vec<Part>) -> Result<(), ObjectError> {
        let parts = parts
            .into_iter()
            .map(|part| {
                CompletedPart::builder().part_number(part.number).e_tag(part.tag).checksum_sha256(STANDARD.encode(part.sha256)).build()
            })
            .collect();
        self.objects
            .client
            .complete_multipart_upload()
            .bucket(&self.objects.bucket)
            .key(&self.key)
            .upload_id(upload)
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build())
            .send()
            .await
            .map(|_| ())
            .map_err(|error| failed("complete an upload in parts", &self.key, error))
    }

    async fn abort(&self, upload: &str) {
        let aborted =
            self.objects.client.abort_multipart_upload().bucket(&self.objects.bucket).key(&self.key).upload_id(upload).send().await;
        if let Err(error) = aborted {
            // Its parts stay in the store until somebody aborts it there (runbook DiskFull).
            tracing::warn!(error = &error as &dyn std::error::Error, "An unfinished upload could not be aborted");
        }
    }
}
