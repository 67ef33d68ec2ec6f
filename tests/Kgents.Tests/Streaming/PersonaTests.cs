using Kgents.Contracts;
using Kgents.Flux;
using Kgents.Streaming.Models;

namespace Kgents.Tests.Streaming;

public sealed class PersonaTests
{
    [Theory]
    [InlineData(DialogueModes.Reflect)]
    [InlineData(DialogueModes.Advise)]
    [InlineData(DialogueModes.Challenge)]
    [InlineData(DialogueModes.Explore)]
    public async Task Persona_StreamsWordsAndReportsNoUsage_InEveryMode(string mode)
    {
        var events = await RespondAsync(mode, "I keep putting this off.");

        var metadata = Assert.IsType<FluxMetadata>(events[^1]);
        Assert.Null(metadata.Usage);
        Assert.Equal("kgent-persona", metadata.ModelServed);
        Assert.True(events.Count > 10);
        Assert.Contains("built-in persona", Text(events), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Persona_AnswersDifferently_InDifferentModes() =>
        Assert.Equal(4, (await Task.WhenAll(DialogueModes.All.Select(async mode => Text(await RespondAsync(mode, "well?"))))).Distinct().Count());

    [Theory]
    [InlineData("hello", true)]
    [InlineData("Hello!", true)]
    [InlineData(" good morning. ", true)]
    [InlineData("hello is hard to say to a stranger", false)]
    [InlineData("I am done exploring; what now?", false)]
    public async Task Persona_TakesAGreetingForOne_OnlyWhenItIsTheWholeMessage(string message, bool isGreeting) =>
        Assert.Equal(isGreeting, Text(await RespondAsync(DialogueModes.Reflect, message)).StartsWith("Hello.", StringComparison.Ordinal));

    private static async Task<List<FluxEvent>> RespondAsync(string mode, string message)
    {
        using var persona = new PersonaChatClient();
        await using var flux = new KgentFlux(new Soul(persona, new SoulSeed { Mode = mode }, TimeProvider.System));
        return await flux.RespondAsync(new DialogueTurn(message) { Timestamp = TimeProvider.System.GetUtcNow() }, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);
    }

    private static string Text(IEnumerable<FluxEvent> events) => string.Concat(events.OfType<FluxText>().Select(text => text.Text));
}
