//! Settings that are valid by themselves, but risky or in contradiction to others.

use super::{
    error::SettingError,
    fields::Config,
    mail::SmtpSecurity,
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
        if let Some(server) = &self.mail_smtp_url
            && server.security == SmtpSecurity::Plain
            && !server.is_local()
        {
            warnings.push(
                "mail.smtp_url is smtp+plain: whoever is on the way to the mail server can read the codes in letters; \
                 use smtps or smtp unless it is in this machine's own network"
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
        problems.extend(self.mail_contradictions());
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

    /// Settings of mail that do not fit together.
    fn mail_contradictions(&self) -> Vec<SettingError> {
        let mut problems = Vec::new();
        if self.mail_smtp_url.is_some() != self.mail_from.is_some() {
            problems.push(SettingError::new("mail.smtp_url", "goes with `mail.from`: set both or none"));
        }
        let user = self.mail_smtp_url.as_ref().and_then(|server| server.user.as_ref());
        if user.is_some() != self.mail_smtp_password_file.is_some() {
            problems.push(SettingError::new(
                "mail.smtp_password_file",
                "goes with a user in `mail.smtp_url` (smtps://USER@HOST): set both or none",
            ));
        }
        if let Some(server) = self.mail_smtp_url.as_ref().filter(|_| user.is_some())
            && server.security == SmtpSecurity::Plain
            && !server.is_local()
        {
            problems.push(SettingError::new(
                "mail.smtp_url",
                "would send the password in clear: use smtps or smtp, or leave the user out",
            ));
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
    fn the_settings_of_mail_go_together() {
        let config = |url: &str, from: &str, file: &str| Config {
            mail_smtp_url: (!url.is_empty()).then(|| url.parse().unwrap()),
            mail_from: (!from.is_empty()).then(|| from.parse().unwrap()),
            mail_smtp_password_file: (!file.is_empty()).then(|| file.into()),
            ..Config::default()
        };
        let from = "no-reply@acme.com";
        for (url, from, file, count) in [
            ("smtps://mail.example", from, "", 0),
            ("smtps://u@mail.example", from, "/run/secrets/smtp", 0),
            ("smtp+plain://u@127.0.0.1", from, "/run/secrets/smtp", 0),
            ("smtp+plain://mail.example", from, "", 0),
            ("smtps://mail.example", "", "", 1),
            ("", from, "", 1),
            ("", "", "/run/secrets/smtp", 1),
            ("smtps://u@mail.example", from, "", 1),
            ("smtps://mail.example", from, "/run/secrets/smtp", 1),
            ("smtp+plain://u@mail.example", from, "/run/secrets/smtp", 1),
        ] {
            let problems = config(url, from, file).contradictions();
            assert_eq!(problems.len(), count, "{url} {from} {file}: {problems:?}");
        }
        let warned = |url| config(url, from, "").warnings().iter().any(|text| text.contains("smtp+plain"));
        assert!(warned("smtp+plain://postfix") && !warned("smtp+plain://localhost") && !warned("smtp://x"));
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
