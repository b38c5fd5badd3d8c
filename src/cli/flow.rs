//! `ostiary flow`: the logins of an environment, with every check, to find out why one failed.

use base::id::{LoginFlowId, LoginFlowKind};
use clap::{Args, Subcommand};
use model::login_flow::{FlowOrigin, FlowStatus, LoginFlow, LoginProtocol, StepKind};
use saml::check::{Check, Fixer};
use serde_json::{Value, json};

use super::{ids, installation, output, settings_args::SettingsArgs};
use crate::app::{
    environments,
    pagination::PageQuery,
    principal::Principal,
    support::flows::{self, CheckChange, FlowQuery, Recheck},
};

/// Login flows: what happened in each login, check by check
#[derive(Debug, Subcommand)]
pub(super) enum Flow {
    List(List),
    Show(Show),
    Check(CheckFlow),
}

/// List the latest logins of an environment, newest first
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary flow list --environment prod
  ostiary flow list --environment prod --email dana@acme.com
  ostiary flow list --environment prod --failed --since 2026-11-21 --json")]
pub(super) struct List {
    /// The environment: its id or its slug
    #[arg(long, value_name = "ID|SLUG")]
    environment: String,
    /// Only logins that were refused
    #[arg(long)]
    failed: bool,
    /// Only logins of this organization
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    organization: String,
    /// Only logins through this connection
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    connection: String,
    /// Only logins by this: saml, or account (passwords and passkeys)
    #[arg(long, value_name = "PROTOCOL", default_value = "", hide_default_value = true)]
    protocol: String,
    /// Only logins with this e-mail address, refused ones too
    #[arg(long, value_name = "ADDRESS", default_value = "", hide_default_value = true)]
    email: String,
    /// Only logins with this status: in_progress, failed or succeeded
    #[arg(
        long,
        value_name = "STATUS",
        default_value = "",
        hide_default_value = true,
        conflicts_with = "failed"
    )]
    status: String,
    /// Only logins refused with this error code
    #[arg(long, value_name = "CODE", default_value = "", hide_default_value = true)]
    refusal: String,
    /// Only logins started at or after this time: a date, or a time such as 2026-11-21T21:41:37Z
    #[arg(long, value_name = "TIME", default_value = "", hide_default_value = true)]
    since: String,
    /// Only logins started before this time
    #[arg(long, value_name = "TIME", default_value = "", hide_default_value = true)]
    until: String,
    /// The number of logins, at most 100
    #[arg(long, default_value_t = 25)]
    most: u32,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Show one login, by the id on its error page
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary flow show saml_flow_…
  ostiary flow show saml_flow_… --documents     with the SAML messages")]
pub(super) struct Show {
    /// The flow's id
    #[arg(value_parser = ids::parse::<LoginFlowKind>)]
    id: LoginFlowId,
    /// Show the AuthnRequest and the Response too; they hold personal data
    #[arg(long)]
    documents: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Check a login's response again, with the connection as it is now
///
/// Shows whether a change to the settings fixes a refused login, before the customer tries again. Changes
/// nothing. The response is kept for 30 days unless configured otherwise.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary flow check saml_flow_…")]
pub(super) struct CheckFlow {
    /// The flow's id
    #[arg(value_parser = ids::parse::<LoginFlowKind>)]
    id: LoginFlowId,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl List {
    fn query(&self) -> FlowQuery {
        FlowQuery {
            organization_id: self.organization.clone(),
            saml_connection_id: self.connection.clone(),
            protocol: self.protocol.clone(),
            email: self.email.clone(),
            status: if self.failed { "failed".to_owned() } else { self.status.clone() },
            refusal: self.refusal.clone(),
            since: self.since.clone(),
            until: self.until.clone(),
            ..FlowQuery::default()
        }
    }
}

impl Flow {
    pub(super) async fn run(self, settings: &SettingsArgs) -> anyhow::Result<()> {
        let state = installation::open(settings).await?;
        match self {
            Self::List(list) => {
                let environment = environments::find(&state, &list.environment).await?;
                let principal = Principal::operator(environment.id);
                let size = PageQuery { token: None, size: Some(list.most.clamp(1, 100).to_string()) };
                let page = flows::list(&state, &principal, &list.query(), &size).await?;
                for flow in page.items {
                    match list.json {
                        true => output::line(&summary_json(&flow).to_string()),
                        false => output::line(&format!(
                            "{}  {}  {:11}  {}  {}",
                            flow.created_at,
                            flow.reference(),
                            status(flow.status),
                            flow.email.as_ref().or(flow.claimed_email.as_ref()).map_or("–", |e| e.as_str()),
                            flow.refusal.as_deref().unwrap_or_default()
                        )),
                    }
                }
            }
            Self::Show(show) => {
                let id = show.id;
                let principal = Principal::operator(flows::environment_of(&state, id).await?);
                let found = match show.documents {
                    true => flows::find(&state, &principal, id).await?,
                    false => flows::find_without_documents(&state, &principal, id).await?,
                };
                match show.json {
                    true => output::line(&flow_json(&found).to_string()),
                    false => print_flow(&found),
                }
            }
            Self::Check(check) => {
                let id = check.id;
                let principal = Principal::operator(flows::environment_of(&state, id).await?);
                let checked = flows::recheck(&state, &principal, id).await?;
                match check.json {
                    true => output::line(&recheck_json(&checked).to_string()),
                    false => print_recheck(&checked),
                }
            }
        }
        Ok(())
    }
}

fn status(status: FlowStatus) -> &'static str {
    match status {
        FlowStatus::InProgress => "in progress",
        FlowStatus::Failed => "failed",
        FlowStatus::Succeeded => "succeeded",
    }
}

fn summary_json(flow: &LoginFlow) -> Value {
    json!({
        "id": flow.reference(),
        "protocol": flow.protocol,
        "samlConnectionId": flow.connection_id,
        "userId": flow.user_id,
        "applicationId": flow.application_id,
        "amr": flow.amr,
        "organizationId": flow.organization_id,
        "origin": flow.origin,
        "status": flow.status,
        "refusal": flow.refusal,
        "email": flow.email.as_ref().map(|email| email.as_str()),
        "claimedEmail": flow.claimed_email.as_ref().map(|email| email.as_str()),
        "createTime": flow.created_at,
        "updateTime": flow.updated_at,
        "redeemTime": flow.redeemed_at,
    })
}

fn flow_json(found: &flows::FlowDetails) -> Value {
    let mut value = summary_json(&found.flow);
    let steps = found.steps.iter().map(|step| {
        json!({ "time": step.at, "kind": step.kind, "checks": step.checks, "document": step.document })
    });
    value["state"] = json!(found.flow.state);
    value["attributes"] = json!(found.flow.attributes);
    value["steps"] = steps.collect();
    value
}

/// Prints a flow's timeline: failed checks in full, passed ones as a count.
fn print_flow(found: &flows::FlowDetails) {
    let flow = &found.flow;
    output::line(&format!("{}  {}", flow.reference(), status(flow.status)));
    if let Some(id) = flow.connection_id {
        output::line(&format!("  connection    {id}"));
    }
    if let Some(id) = flow.user_id {
        output::line(&format!("  user          {id}"));
    }
    if let Some(id) = flow.application_id {
        output::line(&format!("  application   {id}"));
    }
    if !flow.amr.is_empty() {
        output::line(&format!("  proven by     {}", flow.amr.join(", ")));
    }
    output::line(&format!("  organization  {}", flow.organization_id));
    if let Some(email) = &flow.email {
        output::line(&format!("  e-mail        {email}"));
    }
    if let Some(email) = &flow.claimed_email {
        output::line(&format!("  claimed       {email} (refused)"));
    }
    output::line(&format!("\n{}  {}", flow.created_at, origin_text(flow.origin)));
    for step in &found.steps {
        output::line(&format!("{}  {}", step.at, step_text(flow.protocol, step.kind)));
        step.checks.iter().filter(|check| !check.passed).for_each(print_failed_check);
        let passed = step.checks.iter().filter(|check| check.passed).count();
        if passed > 0 {
            output::line(&format!("    ✓ {passed} checks passed"));
        }
        if let Some(document) = &step.document {
            output::line(&format!("    {document}"));
        }
    }
    if let Some(at) = flow.redeemed_at {
        output::line(&format!("{at}  the app redeemed the code"));
    }
}

fn recheck_json(checked: &Recheck) -> Value {
    let checks = checked.comparisons().into_iter().map(|compared| {
        let name = compared.now.or(compared.then).map(|check| check.name.clone());
        json!({ "name": name, "change": compared.change(), "then": compared.then, "now": compared.now })
    });
    json!({
        "responseTime": checked.received_at,
        "passed": checked.outcome.is_ok(),
        "email": checked.outcome.as_ref().ok().map(|email| email.as_str()),
        "refusal": checked.outcome.as_ref().err(),
        "checks": checks.collect::<Vec<_>>(),
    })
}

/// Prints what changed since the response was received, then the result it would have now.
fn print_recheck(checked: &Recheck) {
    output::line(&format!("The response of {}, checked with the current settings:", checked.received_at));
    let compared = checked.comparisons();
    let still = compared.iter().filter(|compared| compared.change() == CheckChange::StillPassed).count();
    for compared in &compared {
        match (compared.change(), compared.now.or(compared.then)) {
            (CheckChange::Fixed, Some(check)) => {
                output::line(&format!("    ✓ {}  (failed then)", check.name))
            }
            (CheckChange::NewlyPassed, Some(check)) => {
                output::line(&format!("    ✓ {}  (not reached then)", check.name));
            }
            (CheckChange::Broken | CheckChange::NewlyFailed | CheckChange::StillFailed, Some(check)) => {
                print_failed_check(check)
            }
            _ => {}
        }
    }
    output::line(&format!("    ✓ {still} checks passed, as before"));
    match &checked.outcome {
        Ok(email) => output::line(&format!("The login of {email} would succeed. Ask them to sign in again.")),
        Err(code) => output::line(&format!("The login would still be refused: {code}")),
    }
}

fn print_failed_check(check: &Check) {
    output::line(&format!("    ✕ {}  ({})", check.name, check.clause));
    if let Some(expected) = &check.expected {
        output::line(&format!("        expected  {expected}"));
    }
    if let Some(found) = &check.found {
        output::line(&format!("        found     {found}"));
    }
    let fixer = match check.fixer {
        Fixer::IdentityProvider => "the customer's IT admin",
        Fixer::Vendor => "you",
        Fixer::User => "the person",
    };
    output::line(&format!("        to be fixed by {fixer}: {}", check.remedy));
}

fn origin_text(origin: FlowOrigin) -> &'static str {
    match origin {
        FlowOrigin::Api => "the app asked for a login through the API",
        FlowOrigin::Oauth => "the app asked for a login through OAuth",
        FlowOrigin::Restart => "an unsolicited response was discarded and this login started in its place",
        FlowOrigin::Idp => "the identity provider started the login",
        FlowOrigin::Setup => "the customer's admin tested the connection in the setup pages",
        FlowOrigin::Console => "somebody tested the connection in the console",
        FlowOrigin::Administrator => "an administrator signed in to the console",
        FlowOrigin::Issuer => "somebody signed in at the organization's issuer",
        FlowOrigin::Detached => "a response was posted that belongs to no login",
    }
}

fn step_text(protocol: LoginProtocol, kind: StepKind) -> &'static str {
    match (protocol, kind) {
        (_, StepKind::Requested) => "the browser was sent to the identity provider",
        (LoginProtocol::Saml | LoginProtocol::Oidc, StepKind::Refused) => "a response was refused",
        (LoginProtocol::Saml | LoginProtocol::Oidc, StepKind::Accepted) => "a response was accepted",
        (LoginProtocol::Account, StepKind::Refused) => "what the person gave was refused",
        (LoginProtocol::Account, StepKind::Accepted) => "the person was signed in",
        (_, StepKind::Proven) => "the person proved one thing, and was asked for more",
    }
}
