//! Where webhooks may go.

use domain::webhook::address::Rules;

use super::{Reader, Variable};

const ALLOW: Variable = Variable::with_default(
    "ASSAY_WEBHOOKS_ALLOW",
    "",
    "networks that webhooks may reach although they are private or reserved, as in `10.20.0.0/16,fd00:7::/32`",
);
const PORTS: Variable =
    Variable::with_default("ASSAY_WEBHOOKS_PORTS", "443,8443", "the ports that webhooks may reach, ranges as `8000-8099`");
const PLAIN_HTTP: Variable = Variable::with_default(
    "ASSAY_WEBHOOKS_PLAIN_HTTP",
    "false",
    "`true` lets webhooks go over `http://` and to names such as `localhost`; for development machines only",
);

pub(super) const VARIABLES: &[Variable] = &[ALLOW, PORTS, PLAIN_HTTP];

/// Where webhooks may go: judged by the API when an endpoint is registered, and by the worker before every connection.
#[derive(Debug, Clone)]
pub struct Webhooks {
    pub rules: Rules,
}

impl Webhooks {
    pub fn read(reader: &mut Reader) -> Self {
        let allowed = words(reader.optional(ALLOW)).into_iter().filter_map(|word| {
            let network = word.parse();
            if network.is_err() {
                reader.problem(ALLOW, format!("`{word}` is not a network like 10.20.0.0/16"));
            }
            network.ok()
        });
        let allowed = allowed.collect();
        let listed = words(reader.optional(PORTS)).into_iter().filter_map(|word| {
            let range = range(&word);
            if range.is_none() {
                reader.problem(PORTS, format!("`{word}` is neither a port nor a range like 8000-8099"));
            }
            range
        });
        let mut ports: Vec<u16> = listed.flatten().collect();
        ports.sort_unstable();
        ports.dedup();
        Self { rules: Rules { allowed, ports, plain_http: reader.parsed(PLAIN_HTTP, false) } }
    }
}

fn words(list: Option<String>) -> Vec<String> {
    list.unwrap_or_default().split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
}

fn range(word: &str) -> Option<std::ops::RangeInclusive<u16>> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first > 0 && first <= last).then_some(first..=last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ConfigProblems, read};

    fn rules(allow: &str, ports: &str, plain_http: &str) -> Result<Rules, ConfigProblems> {
        let environment = |name: &str| match name {
            "ASSAY_WEBHOOKS_ALLOW" => Some(allow.to_owned()),
            "ASSAY_WEBHOOKS_PORTS" => Some(ports.to_owned()),
            "ASSAY_WEBHOOKS_PLAIN_HTTP" => Some(plain_http.to_owned()),
            _ => None,
        };
        read(&environment, |reader| Webhooks::read(reader).rules)
    }

    #[test]
    fn nothing_set_is_the_strict_rule() {
        assert_eq!(rules("", "", "").unwrap(), Rules::default());
    }

    #[test]
    fn networks_and_ports_are_lists() {
        let read = rules("10.20.0.0/16, fd00:7::/32", "8000-8002, 443,8001", "true").unwrap();
        assert_eq!(read.allowed, ["10.20.0.0/16".parse().unwrap(), "fd00:7::/32".parse().unwrap()]);
        assert_eq!((read.ports, read.plain_http), (vec![443, 8000, 8001, 8002], true));
    }

    #[test]
    fn every_word_that_cannot_be_read_is_a_problem() {
        let ConfigProblems(problems) = rules("10.0.0.0/33,localhost", "0,70000,9-8,a", "yes").unwrap_err();
        assert_eq!(problems.len(), 7, "{problems:?}");
    }
}
