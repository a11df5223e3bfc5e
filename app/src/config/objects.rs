//! The S3 store.

use super::{Reader, Variable};

const ENDPOINT: Variable = Variable::required("ASSAY_OBJECTS_ENDPOINT", "the address of the S3 store, `https://host`");
const PUBLIC_ENDPOINT: Variable = Variable::with_default(
    "ASSAY_OBJECTS_PUBLIC_ENDPOINT",
    "",
    "the address under which clients reach the S3 store for presigned requests; the endpoint itself when not set",
);
const REGION: Variable = Variable::with_default("ASSAY_OBJECTS_REGION", "us-east-1", "the region that requests are signed for");
const BUCKET: Variable = Variable::with_default(
    "ASSAY_OBJECTS_BUCKET",
    "assay-evidence",
    "the bucket of evidence and stage results; `assay migrate` creates it",
);
const ACCESS_KEY: Variable = Variable::required("ASSAY_OBJECTS_ACCESS_KEY", "the access key of the S3 store").secret();
const SECRET_KEY: Variable = Variable::required("ASSAY_OBJECTS_SECRET_KEY", "the secret key of the S3 store").secret();

pub(super) const VARIABLES: &[Variable] = &[ENDPOINT, PUBLIC_ENDPOINT, REGION, BUCKET, ACCESS_KEY, SECRET_KEY];

/// How a role reaches the S3 store.
#[derive(Clone)]
pub struct Objects {
    pub endpoint: String,
    pub public_endpoint: String,
    pub region: String,
    pub bucket: String,
    pub access_key: String,
    pub secret_key: String,
}

impl Objects {
    pub fn read(reader: &mut Reader) -> Self {
        let endpoint = reader.url(ENDPOINT, &["http", "https"]);
        let public_endpoint = reader.optional(PUBLIC_ENDPOINT).unwrap_or_else(|| endpoint.clone());
        Self {
            endpoint,
            public_endpoint,
            region: reader.text(REGION),
            bucket: reader.text(BUCKET),
            access_key: reader.text(ACCESS_KEY),
            secret_key: reader.text(SECRET_KEY),
        }
    }
}
