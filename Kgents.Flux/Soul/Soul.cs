using System.Runtime.CompilerServices;
using System.Text;
using Kgents.Contracts;
using Microsoft.Extensions.AI;

namespace Kgents.Flux;

/// <summary>
/// K-gent itself: one session's stance, character and memory on a model. It has no state that another session could see. Not safe for two events at a
/// time: a <see cref="KgentFlux"/> brings them one by one.
/// </summary>
public sealed class Soul(IChatClient model, SoulSeed seed, TimeProvider time)
{
    /// <summary>Name under which the mode reaches a chat client that is not a language model.</summary>
    public const string ModeProperty = "kgent_mode";

    /// <summary>From here on a perturbation makes the soul think.</summary>
    private const double Stirring = 0.7;
    private const int StirredDepth = 2;

    private string mode = seed.Mode;
    private long interactions;
    private long tokensUsed;

    public SoulState State => new(mode, interactions, tokensUsed);

    /// <summary>Who is named as the model when no model is asked.</summary>
    public const string TemplateModel = "kgent-persona";

    /// <summary>False for a message that the soul answers without asking a model, whatever its mode.</summary>
    public static bool NeedsModel(string budget, string message) => Template(DialogueModes.Reflect, budget, message) is null;

    /// <summary>
    /// The answer, as the model makes it: each piece leaves at once. A fault of the model is thrown, never turned into text, and nothing is remembered of such a turn.
    /// </summary>
    /// <exception cref="IOException">The model's stream ended before the model did.</exception>
    public async IAsyncEnumerable<FluxEvent> RespondAsync(DialogueTurn turn, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var budget = turn.Budget ?? seed.Budget;
        if (Template(turn.Mode ?? mode, budget, turn.Message) is { } template)
        {
            if (!string.IsNullOrWhiteSpace(turn.Message))
            {
                mode = turn.Mode ?? mode;
                seed.Memory.Add(turn.Message, template);
                interactions++;
            }

            yield return new FluxText(template);
            yield return new FluxMetadata(null, TemplateModel) { WasTemplate = true };
            yield break;
        }

        mode = turn.Mode ?? mode;
        var stance = Stance.For(mode);
        var options = new ChatOptions
        {
            Temperature = stance.Temperature,
            MaxOutputTokens = BudgetTiers.MaxOutputTokens(budget),
            AdditionalProperties = new AdditionalPropertiesDictionary { [ModeProperty] = mode },
        };

        var said = new StringBuilder();
        UsageDetails? usage = null;
        ChatFinishReason? finished = null;
        string? served = null;
        await foreach (var update in model.GetStreamingResponseAsync(SoulPrompt.Of(stance, budget, seed.Eigenvectors, seed.Memory, turn.Message), options, cancellationToken))
        {
            served = update.ModelId ?? served;
            finished = update.FinishReason ?? finished;
            foreach (var content in update.Contents)
            {
                switch (content)
                {
                    case TextContent { Text.Length: > 0 } text:
                        said.Append(text.Text);
                        yield return new FluxText(text.Text);
                        break;
                    case UsageContent { Details: var details }:
                        // Some providers repeat their counts, each time cumulative: the last one counts.
                        usage = details;
                        break;
                }
            }
        }

        if (finished is null && usage is null)
        {
            // A connection that a proxy closes in the middle looks like an end; only the model can say that it was one.
            throw new IOException("The model's stream ended without a finish reason.");
        }

        // Before the last event: who has that may stop reading.
        seed.Memory.Add(turn.Message, said.ToString());
        interactions++;
        tokensUsed += (usage?.InputTokenCount ?? 0) + (usage?.OutputTokenCount ?? 0);
        yield return new FluxMetadata(usage, served) { FinishReason = finished };
    }

    /// <summary>Judges an operation. A fault of the model is a judgement too: it is for people then.</summary>
    public async Task<InterceptResult> JudgeAsync(InterceptRequest request, CancellationToken cancellationToken)
    {
        if (Governance.WithoutModel(request, seed.Budget) is { } judged)
        {
            return judged with { Timestamp = time.GetUtcNow(), SoulState = State };
        }

        InterceptResult result;
        FluxMetadata call;
        try
        {
            var response = await model.GetStreamingResponseAsync(Governance.Prompt(request), Governance.Options(seed.Budget), cancellationToken).ToChatResponseAsync(cancellationToken);
            tokensUsed += (response.Usage?.InputTokenCount ?? 0) + (response.Usage?.OutputTokenCount ?? 0);
            call = new FluxMetadata(response.Usage, response.ModelId) { FinishReason = response.FinishReason };
            result = response.FinishReason is null && response.Usage is null ? Governance.Failed(request) : Governance.Weigh(request, response.Text);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            call = new FluxMetadata(null, null) { Fault = exception };
            result = Governance.Failed(request);
        }

        interactions++;
        return result with { Timestamp = time.GetUtcNow(), SoulState = State, WasDeep = true, Call = call };
    }

    /// <summary>False for an operation that is judged without asking a model.</summary>
    public static bool NeedsModelToJudge(string budget, InterceptRequest request) => Governance.WithoutModel(request, budget) is null;

    /// <summary>What the soul makes of an event that needs no model. One that means nothing to it passes unchanged.</summary>
    public SoulEvent Answer(SoulEvent soulEvent) => soulEvent switch
    {
        ModeChange change => Enter(change),
        EigenvectorProbe probe => probe with { Timestamp = time.GetUtcNow(), Eigenvectors = seed.Eigenvectors, SoulState = State },
        StateSnapshot snapshot => snapshot with { Timestamp = time.GetUtcNow(), Eigenvectors = seed.Eigenvectors, SoulState = State },
        Perturbation { Intensity: > Stirring } stirring => new Thought(stirring.Content, StirredDepth) { Timestamp = time.GetUtcNow(), CorrelationId = stirring.CorrelationId, SoulState = State },
        Perturbation or { IsAmbient: true } => soulEvent with { SoulState = State },
        _ => soulEvent,
    };

    /// <summary>Null for a message that a model answers.</summary>
    private static string? Template(string mode, string budget, string message) => budget switch
    {
        BudgetTiers.Dormant => Templates.Find(mode, message) ?? Templates.Question(mode) + Templates.NoModel,
        BudgetTiers.Whisper => Templates.Find(mode, message),
        _ => string.IsNullOrWhiteSpace(message) ? Templates.Empty : null,
    };

    private DialogueTurn Enter(ModeChange change)
    {
        mode = DialogueModes.Find(change.ToMode) ?? DialogueModes.Reflect;
        return new DialogueTurn("", mode)
        {
            Timestamp = time.GetUtcNow(),
            CorrelationId = change.CorrelationId,
            SoulState = State,
            Reply = new DialogueReply(Stance.For(mode).Intro),
        };
    }
}
