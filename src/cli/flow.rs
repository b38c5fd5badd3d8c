//! `ostiary flow`: why did that login fail?

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{SettingsArgs, output, session};
use crate::{
    app::{environments, flows},
    model::{
        check::{Check, Fixer},
        saml_flow::{FlowOrigin, FlowStatus, SamlFlow, StepKind},
    },
};

/// Login flows: what happened in a login, check by check
#[derive(Debug, Subcommand)]
pub(super) enum Flow {
    List(List),
    Show(Show),
}

/// The latest logins of an environment, the newest first
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary flow list --environment prod
  ostiary flow list --environment prod --failed --json")]
pub(super) struct List {
    /// The environment: its id or its slug
    #[arg(long, value_name = "ID|SLUG")]
    environment: String,
    /// Only logins that were refused
    #[arg(long)]
    failed: bool,
    /// How many, at most 100
    #[arg(long, default_value_t = 25)]
    most: u32,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

/// One login, by the id that its error page shows
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary flow show saml_flow_…
  ostiary flow show saml_flow_… --documents     with the XML that travelled")]
pub(super) struct Show {
    /// The flow's id
    id: String,
    /// Show the AuthnRequest and the Response too; they hold personal data
    #[arg(long)]
    documents: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Flow {
    pub(super) async fn run(self, settings: &SettingsArgs) -> anyhow::Result<()> {
        let state = session::open(settings).await?;
        match self {
            Self::List(list) => {
                let environment = environments::find(&state, &list.environment).await?;
                for flow in flows::list(&state, environment.id, list.failed, list.most).await? {
                    match list.json {
                        true => output::line(&summary(&flow).to_string()),
                        false => output::line(&format!(
                            "{}  {}  {:11}  {}",
                            flow.created_at,
                            flow.id,
                            status(flow.status),
                            flow.refusal.as_deref().unwrap_or_default()
                        )),
                    }
                }
            }
            Self::Show(show) => {
                let mut found = flows::show(&state, show.id.parse()?).await?;
                if !show.documents {
                    found.steps.iter_mut().for_each(|step| step.document = None);
                }
                match show.json {
                    true => output::line(&whole(&found).to_string()),
                    false => tell(&found),
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

fn summary(flow: &SamlFlow) -> Value {
    json!({
        "id": flow.id,
        "samlConnectionId": flow.saml_connection_id,
        "organizationId": flow.organization_id,
        "origin": flow.origin,
        "status": flow.status,
        "refusal": flow.refusal,
        "email": flow.email.as_ref().map(|email| email.as_str()),
        "createTime": flow.created_at,
        "updateTime": flow.updated_at,
        "redeemTime": flow.code.as_ref().and_then(|code| code.consumed_at),
    })
}

fn whole(found: &flows::Flow) -> Value {
    let mut value = summary(&found.flow);
    let steps = found.steps.iter().map(|step| {
        json!({ "time": step.at, "kind": step.kind, "checks": step.checks, "document": step.document })
    });
    value["state"] = json!(found.flow.state);
    value["attributes"] = json!(found.flow.attributes);
    value["steps"] = steps.collect();
    value
}

/// The timeline for a person: the failed check first and whole, the passed ones as a count.
fn tell(found: &flows::Flow) {
    let flow = &found.flow;
    output::line(&format!("{}  {}", flow.id, status(flow.status)));
    output::line(&format!("  connection    {}", flow.saml_connection_id));
    output::line(&format!("  organization  {}", flow.organization_id));
    if let Some(email) = &flow.email {
        output::line(&format!("  e-mail        {email}"));
    }
    output::line(&format!("\n{}  {}", flow.created_at, begun(flow.origin)));
    for step in &found.steps {
        output::line(&format!("{}  {}", step.at, happened(step.kind)));
        step.checks.iter().filter(|check| !check.passed).for_each(tell_failed);
        let passed = step.checks.iter().filter(|check| check.passed).count();
        if passed > 0 {
            output::line(&format!("    ✓ {passed} checks passed"));
        }
        if let Some(document) = &step.document {
            output::line(&format!("    {document}"));
        }
    }
    if let Some(at) = flow.code.as_ref().and_then(|code| code.consumed_at) {
        output::line(&format!("{at}  the app fetched the answer"));
    }
}

fn tell_failed(check: &Check) {
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
    output::line(&format!("        mended by {fixer}: {}", check.remedy));
}

fn begun(origin: FlowOrigin) -> &'static str {
    match origin {
        FlowOrigin::Api => "the app asked for a login through the API",
        FlowOrigin::Oauth => "the app asked for a login through OAuth",
        FlowOrigin::Restart => "an unsolicited response was thrown away and this login begun in its place",
        FlowOrigin::Idp => "the identity provider began it",
        FlowOrigin::Setup => "the customer's admin tested the connection in the setup pages",
        FlowOrigin::Console => "somebody tested the connection in the console",
        FlowOrigin::Detached => "a post arrived that belongs to no login",
    }
}

fn happened(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Requested => "the browser was sent to the identity provider",
        StepKind::Refused => "a response was refused",
        StepKind::Accepted => "a response was accepted",
    }
}
