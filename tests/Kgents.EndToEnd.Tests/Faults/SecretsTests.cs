using System.Text;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.EndToEnd.Tests.Talk;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Faults;

public sealed class SecretsTests
{
    private readonly string question = $"question-{Guid.NewGuid():n}";
    private readonly string answer = $"answer-{Guid.NewGuid():n}";
    private readonly string modelKey = $"model-{Guid.NewGuid():n}";
    private readonly string openMeterKey = $"openmeter-{Guid.NewGuid():n}";
    private readonly string wrongKey = ApiKey.New().Text;

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Output_HasNoSecretAndNoText_WhenTurnsSucceedAndFail()
    {
        await using var system = await KgentsSystem.StartAsync(new SystemSettings
        {
            Workers = 0,
            Metering = false,
            Environment = new Dictionary<string, string?> { ["Logging__LogLevel__Kgents"] = "Trace" },
        });
        await system.StartWorkerAsync($"Endpoint={system.Model.Endpoint};Key={modelKey};Model=scripted-1");
        await system.StartMeteringAsync($"Endpoint={system.OpenMeter.Endpoint};Key={openMeterKey}");

        await SucceedAsync(system);
        await FailAsync(system);
        await MisbehaveAsync(system);
        await system.Store.UsageExportedAsync();
        await system.TerminateServicesAsync();

        // The secrets were in use, and each process had something to say.
        Assert.Contains(system.Model.Requests, request => request.Authorization == $"Bearer {modelKey}");
        Assert.Contains(system.OpenMeter.Requests, request => request.Authorization == $"Bearer {openMeterKey}");
        Assert.Equal(3, system.Output.Count(line => line.Contains("Now listening on", StringComparison.Ordinal)));
        Assert.All(
            [system.Key, wrongKey, .. system.NatsUsers.Passwords, modelKey, openMeterKey, question, answer],
            secret => Assert.DoesNotContain(system.Output, line => line.Contains(secret, StringComparison.Ordinal)));
    }

    private async Task SucceedAsync(KgentsSystem system)
    {
        system.Model.DefaultScript = ModelScript.Reply(answer);
        var session = await system.Client.CreateSessionAsync();
        Assert.Equal(answer, (await system.Client.SayAsync(session, question)).Terminal().Json.Text("text"));
        Assert.Equal(answer, (await system.Client.AskAsync(session, question)).Text("content"));
    }

    /// <summary>Some providers repeat the key or the prompt in their errors.</summary>
    private async Task FailAsync(KgentsSystem system)
    {
        var session = await system.Client.CreateSessionAsync();
        var echo = $$$"""{"error":{"message":"Incorrect API key provided: {{{modelKey}}}. You asked: {{{question}}}","type":"invalid_request_error","code":"invalid_api_key"}}""";
        system.Model.Enqueue(new ModelScript(new ModelStep.Status(401, echo)));
        Assert.Equal("error", (await system.Client.SayAsync(session, question)).Terminal().Event);

        system.Model.Enqueue(new ModelScript(new ModelStep.Token(answer), new ModelStep.CutConnection()));
        Assert.Equal("error", (await system.Client.SayAsync(session, question)).Terminal().Event);

        system.Model.Enqueue(new ModelScript(new ModelStep.Token(answer), new ModelStep.Malformed($"data: {{\"{answer}\" {question}")));
        Assert.Equal("error", (await system.Client.SayAsync(session, question)).Terminal().Event);
    }

    private async Task MisbehaveAsync(KgentsSystem system)
    {
        var client = system.Connect(wrongKey);
        foreach (var (sender, body) in new[] { (client, "{}"), (system.Client, $"{{\"title\":\"{question}\",\"{question}\":1}}"), (system.Client, $"{{\"{question}") })
        {
            using var content = new StringContent(body, Encoding.UTF8, "application/json");
            using var response = await sender.Http.PostAsync($"/v1/kgent/sessions?key={question}", content, TestContext.Current.CancellationToken);
            Assert.False(response.IsSuccessStatusCode);
        }
    }
}
