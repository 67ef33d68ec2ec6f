using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Streaming;

/// <summary>Many tenants talk at once; each has a word, a mode, a budget and a character of its own, and nothing of one shows with another.</summary>
public sealed partial class SoulIsolationTests
{
    private const int Conversations = 100;
    private const int Turns = 3;

    [Fact(Timeout = Limits.Test)]
    public async Task NoWordModeOrCharacter_CrossesOver_AmongManyTenants()
    {
        await using var nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        await using var model = await ScriptedModelServer.StartAsync(TestContext.Current.CancellationToken);
        await using var host = await KgentsHost.StartAsync(nats.Url, Parts.Api | Parts.Streaming, ("ConnectionStrings:llm", model.ConnectionString));

        // The model repeats the word that it was asked with, so that a stranger's would be said too.
        model.ScriptFor = request => ModelScript.Reply("I", " heard ", Secret.Match(request.Messages[^1].Content).Value, ".");

        var answers = await Task.WhenAll(Enumerable.Range(0, Conversations).Select(number => TalkAsync(host, number)));

        Assert.All(answers.Index(), each => Assert.Equal(Enumerable.Repeat($"I heard {WordOf(each.Index)}.", Turns), each.Item));
        Assert.Equal(Conversations * Turns, model.Requests.Count);
        Assert.All(model.Requests, request =>
        {
            var words = request.Messages.SelectMany(message => Secret.Matches(message.Content)).Select(word => word.Value).Distinct().ToList();
            var number = int.Parse(Assert.Single(words)[4..], CultureInfo.InvariantCulture);
            var turn = (request.Messages.Count - 2) / 2;
            Assert.Equal((2 * turn) + 2, request.Messages.Count);
            Assert.Equal(TemperatureOf(number), Math.Round(request.Temperature!.Value, 3));
            Assert.Equal(BudgetTiers.MaxOutputTokens(BudgetOf(number)), request.MaxTokens);
            Assert.Contains($"- joy: {JoyOf(number).ToString("0.00", CultureInfo.InvariantCulture)} ", request.Messages[0].Content, StringComparison.Ordinal);
            Assert.Contains($"Mode: {ModeOf(number)}.", request.Messages[0].Content, StringComparison.Ordinal);
        });
    }

    private static async Task<List<string>> TalkAsync(KgentsHost host, int number)
    {
        using var client = await host.NewClientAsync($"tenant-{number}");
        using var created = await client.PostAsJsonAsync(
            "/v1/kgent/sessions", new { mode = ModeOf(number), budget = BudgetOf(number), eigenvectors = new { joy = JoyOf(number) } }, TestContext.Current.CancellationToken);
        created.EnsureSuccessStatusCode();
        var session = (await created.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("id").GetString()!;
        var answers = new List<string>();
        for (var turn = 0; turn < Turns; turn++)
        {
            answers.Add(new Turn(await client.SayAsync(session, $"My word is {WordOf(number)}, said for the {turn}. time.")).End.GetProperty("text").GetString()!);
        }

        return answers;
    }

    private static string WordOf(int number) => $"word{number}";

    private static string ModeOf(int number) => DialogueModes.All[number % 4];

    private static double TemperatureOf(int number) => new[] { 0.4, 0.5, 0.6, 0.8 }[number % 4];

    private static string BudgetOf(int number) => new[] { BudgetTiers.Whisper, BudgetTiers.Dialogue, BudgetTiers.Deep }[number % 3];

    private static double JoyOf(int number) => number / 100d;

    [GeneratedRegex(@"word\d+")]
    private static partial Regex Secret { get; }
}
