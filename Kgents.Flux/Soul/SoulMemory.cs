namespace Kgents.Flux;

/// <summary>What was said before, whole turns, the latest that fit. The oldest go first.</summary>
/// <param name="maxTokens">Of the text, as <see cref="TokenEstimate"/> counts it.</param>
public sealed class SoulMemory(int maxTokens, int maxTurns)
{
    private readonly Queue<(string Question, string Answer, int Tokens)> turns = new();
    private int tokens;

    /// <summary>Oldest first. A turn that failed before anything was said has only its question.</summary>
    public IReadOnlyList<PastMessage> Messages => [.. turns.SelectMany(MessagesOf)];

    public void Add(string question, string answer)
    {
        var size = SizeOf(question) + SizeOf(answer);
        turns.Enqueue((question, answer, size));
        tokens += size;
        while (turns.Count > maxTurns || tokens > maxTokens)
        {
            tokens -= turns.Dequeue().Tokens;
        }
    }

    private static int SizeOf(string text) => text.Length == 0 ? 0 : TokenEstimate.Of(text) + TokenEstimate.PerMessage;

    private static IEnumerable<PastMessage> MessagesOf((string Question, string Answer, int Tokens) turn)
    {
        yield return new PastMessage(FromUser: true, turn.Question);
        if (turn.Answer.Length > 0)
        {
            yield return new PastMessage(FromUser: false, turn.Answer);
        }
    }
}
