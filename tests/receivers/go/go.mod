// The library of the Standard Webhooks project, for the receiver beside it.
module assay/tests/receivers

go 1.21.0

require github.com/standard-webhooks/standard-webhooks/libraries v0.0.1
