using Kgents.Contracts;

namespace Kgents.Api.Plans;

/// <summary>What a plan allows its tenants. Of every number, 0 is no limit.</summary>
public sealed class PlanOptions
{
    /// <summary>Requests of a tenant in a minute, on all replicas together.</summary>
    public long RequestsPerMinute { get; set; }

    /// <summary>Requests of a tenant in a day of UTC, on all replicas together.</summary>
    public long RequestsPerDay { get; set; }

    /// <summary>Tokens of a tenant in a month of UTC, input and output together.</summary>
    public long TokensPerMonth { get; set; }

    /// <summary>Turns of a tenant that may run or wait at a time.</summary>
    public int Turns { get; set; }

    /// <summary>Streams of a tenant that may be open at a time, on all replicas together.</summary>
    public int Streams { get; set; }

    /// <summary>How long a session is kept after the last message or answer in it; 0 for ever.</summary>
    public TimeSpan Retention { get; set; }

    /// <summary>The budgets that may be asked for, with commas between them.</summary>
    public string Budgets { get; set; } = string.Join(',', BudgetTiers.All);

    /// <summary>The budget of a session that asks for none.</summary>
    public string DefaultBudget { get; set; } = BudgetTiers.Dialogue;

    /// <summary>Those of <c>Model:Allowed</c> that may be asked for, with commas between them; empty for all.</summary>
    public string Models { get; set; } = "";
}
