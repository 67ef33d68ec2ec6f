namespace Kgents.Contracts;

/// <summary>Running totals of a session up to and with one answer: they are part of the chain, so nothing has to be counted again.</summary>
public sealed record SessionTotals(long Messages, long InputTokens, long OutputTokens)
{
    public static SessionTotals None { get; } = new(0, 0, 0);

    public SessionTotals Add(TokenCounts tokens, int messages) =>
        new(Messages + messages, InputTokens + tokens.Input, OutputTokens + tokens.Output);
}
