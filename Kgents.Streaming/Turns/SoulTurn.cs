using Kgents.Contracts;
using Kgents.Flux;
using Kgents.ServiceDefaults.Sessions;
using Kgents.Streaming.Governance;
using Kgents.Streaming.Models;
using Microsoft.Extensions.AI;

namespace Kgents.Streaming.Turns;

/// <summary>The one KgentFlux of a turn. All that its soul is stands in the message and in what was said before, so whoever runs the turn makes the same one.</summary>
internal sealed class SoulTurn(UserMessage message, SoulMemory past, IChatClient model, TimeProvider time) : IAsyncDisposable
{
    private readonly KgentFlux flux = new(
        new Soul(model, new SoulSeed { Mode = message.Mode, Budget = BudgetOf(message), Eigenvectors = message.Eigenvectors ?? Eigenvectors.Default, Memory = past }, time), time: time);

    /// <summary>False for what the soul answers by itself.</summary>
    public static bool NeedsModel(UserMessage message) => message.Kind == MessageKinds.Governance
        ? Soul.NeedsModelToJudge(BudgetOf(message), RequestOf(message))
        : Soul.NeedsModel(BudgetOf(message), message.Text);

    /// <summary>The message as it can be run on a model: the persona's templates are no judgement.</summary>
    public static UserMessage For(UserMessage message, LanguageModel model) =>
        message.Kind == MessageKinds.Governance && model.IsPersona ? message with { Budget = BudgetTiers.Dormant } : message;

    /// <summary>The answer, as the model makes it. A fault of the model is thrown.</summary>
    public IAsyncEnumerable<FluxEvent> RunAsync(CancellationToken cancellationToken) => message.Kind == MessageKinds.Governance
        ? Judgements.AnswerAsync(flux, RequestOf(message), cancellationToken)
        : flux.RespondAsync(new DialogueTurn(message.Text) { Timestamp = message.CreatedAt, CorrelationId = message.Turn.ToString() }, cancellationToken);

    public ValueTask DisposeAsync() => flux.DisposeAsync();

    private static InterceptRequest RequestOf(UserMessage message) => Judgements.RequestOf(message, UserMessages.ReadAction(message.Text)!);

    private static string BudgetOf(UserMessage message) => message.Budget ?? BudgetTiers.Dialogue;
}
