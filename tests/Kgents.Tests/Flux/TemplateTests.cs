using Kgents.Contracts;
using Kgents.Flux;

namespace Kgents.Tests.Flux;

/// <summary>Templates answer what is nothing else, at the budgets that have them, and say nothing that is not so.</summary>
public sealed class TemplateTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("hello")]
    [InlineData(" Good  morning, K-gent! ")]
    [InlineData("Thanks.")]
    [InlineData("done")]
    [InlineData("Let’s explore")]
    [InlineData("ok")]
    public async Task Whisper_AsksNoModel_WhenTheWholeMessageIsAnIntent(string message)
    {
        var (model, events) = await SayAsync(BudgetTiers.Whisper, message);

        Assert.Empty(model.Asked);
        Assert.Equal((true, "kgent-persona", null), (Metadata(events).WasTemplate, Metadata(events).ModelServed, Metadata(events).Usage));
    }

    [Theory]
    [InlineData("When will I be done exploring what I said hello to?")]
    [InlineData("thanks, but why?")]
    [InlineData("ok so what")]
    [InlineData("save me from myself")]
    [InlineData("I challenge you")]
    public async Task Whisper_AsksTheModel_WhenAnIntentIsOnlyPartOfIt(string message)
    {
        var (model, events) = await SayAsync(BudgetTiers.Whisper, message);

        Assert.Equal(100, Assert.Single(model.Asked).Options!.MaxOutputTokens);
        Assert.False(Metadata(events).WasTemplate);
    }

    [Theory]
    [InlineData("hello")]
    [InlineData("When will I be done exploring?")]
    public async Task Dormant_NeverAsksTheModel(string message) => Assert.Empty((await SayAsync(BudgetTiers.Dormant, message)).Model.Asked);

    [Theory]
    [InlineData(BudgetTiers.Dialogue, 4000)]
    [InlineData(BudgetTiers.Deep, 8000)]
    public async Task DialogueAndDeep_AskTheModel_WhateverIsSaid(string budget, int cap)
    {
        Assert.Equal(cap, Assert.Single((await SayAsync(budget, "hello")).Model.Asked).Options!.MaxOutputTokens);
        Assert.Equal(cap, Assert.Single((await SayAsync(budget, "done")).Model.Asked).Options!.MaxOutputTokens);
    }

    [Theory]
    [MemberData(nameof(Tiers))]
    public async Task NothingSaid_IsAskedBack_AtEveryBudget_AndNotRemembered(string budget)
    {
        var seed = new SoulSeed { Budget = budget };
        using var model = new SpeakingModel();
        await using var flux = new KgentFlux(new Soul(model, seed, TimeProvider.System));

        var turn = Assert.IsType<DialogueTurn>(await flux.InvokeAsync(new DialogueTurn(" \n", DialogueModes.Explore) { Timestamp = TimeProvider.System.GetUtcNow() }, Cancelled));

        Assert.Equal((Templates.Empty, 0, true), (turn.Reply!.Text, turn.Reply.TokensUsed, turn.Reply.WasTemplate));
        Assert.Equal(new SoulState(DialogueModes.Reflect, 0, 0), turn.SoulState);
        Assert.Empty(model.Asked);
        Assert.Empty(seed.Memory.Messages);
    }

    public static TheoryData<string> Tiers => [.. BudgetTiers.All];

    [Fact]
    public void NoTemplate_ClaimsThatSomethingWasDone()
    {
        string[] intents = ["hello", "thanks", "bye", "done", "save", "save this", "ok", .. DialogueModes.All];
        var answers = DialogueModes.All.SelectMany(mode => intents.Select(intent => Templates.Find(mode, intent)!).Append(Templates.Question(mode) + Templates.NoModel));

        Assert.All(answers, answer => Assert.DoesNotMatch(@"(?i)\b(saved|stored it|recorded|switched|changed to|I have|I've|remembered)\b", answer));
    }

    [Fact]
    public async Task ATemplatesAnswer_IsRemembered_ForTheModelThatIsAskedNext()
    {
        using var model = new SpeakingModel();
        await using var flux = new KgentFlux(new Soul(model, new SoulSeed { Budget = BudgetTiers.Whisper }, TimeProvider.System));
        await flux.InvokeAsync(new DialogueTurn("hello") { Timestamp = TimeProvider.System.GetUtcNow() }, Cancelled);

        await flux.InvokeAsync(new DialogueTurn("what did I say first?", Budget: BudgetTiers.Deep) { Timestamp = TimeProvider.System.GetUtcNow() }, Cancelled);

        var (messages, options) = Assert.Single(model.Asked);
        Assert.Equal(["hello", "Hello. What is on your mind today?", "what did I say first?"], messages.Skip(1).Select(message => message.Text));
        Assert.Equal(8000, options!.MaxOutputTokens);
    }

    private static async Task<(SpeakingModel Model, List<FluxEvent> Events)> SayAsync(string budget, string message)
    {
        using var model = new SpeakingModel();
        await using var flux = new KgentFlux(new Soul(model, new SoulSeed { Budget = budget }, TimeProvider.System));
        return (model, await flux.RespondAsync(new DialogueTurn(message) { Timestamp = TimeProvider.System.GetUtcNow() }, Cancelled).ToListAsync(Cancelled));
    }

    private static FluxMetadata Metadata(List<FluxEvent> events) => Assert.IsType<FluxMetadata>(events[^1]);
}
