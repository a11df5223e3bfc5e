select record_changes(convert_to('[{"type":"verification.processing","actor":"system","subject":"ver_sample","payload":"{}",
    "verification_id":"00000000-0000-7000-8000-000000000004","sequence":2}]', 'UTF8'));
