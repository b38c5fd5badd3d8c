//! Settings that are valid by themselves, but risky or in contradiction to others.

use super::{
    error::SettingError,
    fields::Config,
    values::{self, CrossCheck, SqliteSynchronous},
};

impl Config {
    /// Warnings about valid but risky settings, for the start.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if let Some(url) = &self.public_url
            && url.scheme() == "http"
            && !values::is_local(url)
        {
            warnings.push(format!(
                "public_url is {url}: over plain http anyone on the network path can read and change a login; use https"
            ));
        }
        if self.public_url.as_ref().is_some_and(|url| url.scheme() == "https")
            && self.trusted_proxies.is_empty()
            && self.rate_limits
        {
            warnings.push(
                "trusted_proxies is empty, but TLS must end at a proxy in front: everybody who comes through it \
                 counts as one client, so one network's failures slow down all; name the proxy's addresses \
                 (OSTIARY_TRUSTED_PROXIES)"
                    .to_owned(),
            );
        }
        if self.console_oidc_issuer.as_deref().is_some_and(values::is_insecure) {
            warnings.push(
                "console.oidc_issuer is plain http: anyone on the network path can sign in to the console; use https"
                    .to_owned(),
            );
        }
        if self.test_idp {
            warnings
                .push("test_idp is on: the bundled identity provider signs in anybody as anybody".to_owned());
        }
        if !self.rate_limits {
            warnings.push("rate_limits is off: guessing credentials is not slowed down".to_owned());
        }
        if self.database_sqlite_synchronous == SqliteSynchronous::Normal
            && self.database_url.sqlite_file().is_some()
        {
            warnings.push(
                "database.sqlite_synchronous is normal: a power failure may take back the latest writes, and with \
                 them that a code was used"
                    .to_owned(),
            );
        }
        if self.saml_cross_check != CrossCheck::Enforce {
            warnings.push(format!(
                "saml.cross_check is {}: a disagreement of the two signature checks does not refuse a login",
                self.saml_cross_check
            ));
        }
        for name in &self.ignored_variables {
            warnings
                .push(format!("{name} is no setting and has no effect; `ostiary config` lists all settings"));
        }
        warnings
    }

    /// Settings that are valid by themselves but not together.
    pub(super) fn contradictions(&self) -> Vec<SettingError> {
        let mut problems = Vec::new();
        if self.master_key.is_some() && self.master_key_file.is_some() {
            problems.push(SettingError::new(
                "master_key",
                "is set, and so is `master_key_file`: keep one of them",
            ));
        }
        if self.metrics_listen.is_some_and(|metrics| metrics == self.listen && metrics.port() != 0) {
            problems.push(SettingError::new(
                "metrics.listen",
                "is the address of `listen`: give it a port of its own, or set `metrics.token` instead",
            ));
        }
        let oidc = [
            self.console_oidc_issuer.is_some(),
            self.console_oidc_client_id.is_some(),
            self.console_oidc_client_secret.is_some(),
        ];
        if oidc.contains(&true) && oidc.contains(&false) {
            problems.push(SettingError::new(
                "console.oidc_issuer",
                "goes with `console.oidc_client_id` and `console.oidc_client_secret`: set all three or none",
            ));
        }
        if self.console_require_sso && !oidc[0] && self.console_saml_connection.is_none() {
            problems.push(SettingError::new(
                "console.require_sso",
                "would lock everybody out: set `console.saml_connection` or `console.oidc_issuer` too",
            ));
        }
        if self.console_require_passkey {
            problems.extend(self.passkey_contradictions());
        }
        problems
    }

    /// Settings that conflict with `console.require_passkey`.
    fn passkey_contradictions(&self) -> Vec<SettingError> {
        const KEY: &str = "console.require_passkey";
        let mut problems = Vec::new();
        if self.console_require_sso {
            problems.push(SettingError::new(KEY, "contradicts `console.require_sso`: keep one of them"));
        }
        if self.console_saml_connection.is_some() || self.console_oidc_issuer.is_some() {
            problems.push(SettingError::new(
                KEY,
                "leaves no single sign-on: take `console.saml_connection` and `console.oidc_issuer` away, or set this off",
            ));
        }
        if self.public_url.as_ref().is_some_and(|url| !values::may_have_passkeys(url)) {
            problems.push(SettingError::new(
                KEY,
                "would lock everybody out: passkeys need https and a host name in `public_url`, or localhost",
            ));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    #[test]
    fn passkeys_only_goes_with_nothing_else_and_where_there_are_passkeys() {
        let at = |url: &str| Config {
            public_url: Some(Url::parse(url).unwrap()),
            console_require_passkey: true,
            ..Config::default()
        };
        let refused = |config: &Config| config.contradictions().len();
        for (url, count) in [
            ("https://sso.example.com", 0),
            ("http://localhost:8080", 0),
            ("http://127.0.0.1:8080", 1),
            ("https://192.0.2.1", 1),
            ("http://sso.example.com", 1),
        ] {
            assert_eq!(refused(&at(url)), count, "{url}");
        }
        assert_eq!(refused(&Config { public_url: None, ..at("https://sso.example.com") }), 0);
        let good = at("https://sso.example.com");
        assert_eq!(refused(&Config { console_saml_connection: Some("x".into()), ..good.clone() }), 1);
        let both = Config { console_require_sso: true, console_saml_connection: Some("x".into()), ..good };
        assert_eq!(refused(&both), 2);
    }

    #[test]
    fn a_proxy_in_front_must_be_named() {
        let https =
            Config { public_url: Some(Url::parse("https://sso.example.com").unwrap()), ..Config::default() };
        let warnings = https.warnings();
        assert!(warnings.len() == 1 && warnings[0].contains("OSTIARY_TRUSTED_PROXIES"), "{warnings:?}");
        let named = Config { trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()], ..https };
        assert!(named.warnings().is_empty());
    }

    #[test]
    fn plain_http_in_public_gets_a_warning() {
        for (url, warned) in [
            ("http://sso.example.com", true),
            ("https://sso.example.com", false),
            ("http://localhost:9000", false),
            ("http://127.0.0.1:9000", false),
            ("http://[::1]:9000", false),
        ] {
            let config = Config { public_url: Some(Url::parse(url).unwrap()), ..Config::default() };
            let is_warned = config.warnings().iter().any(|warning| warning.contains("over plain http"));
            assert_eq!(is_warned, warned, "{url}");
        }
    }
}
