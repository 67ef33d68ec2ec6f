namespace Kgents.ServiceDefaults.Quotas;

/// <summary>Whether a turn may go on. The hierarchy is closed.</summary>
public abstract record QuotaAnswer
{
    private QuotaAnswer()
    {
    }

    /// <param name="Tokens">The most that it may use.</param>
    public sealed record Granted(long Tokens) : QuotaAnswer;

    /// <summary>As many turns as may are open.</summary>
    public sealed record TooManyTurns : QuotaAnswer;

    /// <summary>What is left of the month is too little; <paramref name="IsHeld"/> by turns that may give some of it back.</summary>
    public sealed record TooFewTokens(bool IsHeld) : QuotaAnswer;
}
