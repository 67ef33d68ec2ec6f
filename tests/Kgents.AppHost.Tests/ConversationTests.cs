using System.Buffers.Text;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;

namespace Kgents.AppHost.Tests;

/// <summary>The whole system as the AppHost starts it: a nats-server process, the API, two workers, the meter.</summary>
public sealed class ConversationTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Conversation_GetsAReply_FromTheServicesThatTheAppHostStarts()
    {
        Assert.SkipUnless(IsOnPath("nats-server"), "nats-server is not on PATH.");

        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        timeout.CancelAfter(Patience);
        var cancellationToken = timeout.Token;
        var store = Directory.CreateTempSubdirectory("kgents-nats-");

        try
        {
            var key = NewKey();
            await using var builder = await AppHostModel.ForRunAsync("--Nats:Mode=executable", $"--Nats:Directory={store.FullName}");
            builder.CreateResourceBuilder(builder.Find<ProjectResource>("api")).WithEnvironment("Auth__BootstrapKey", key);
            await using var app = await builder.BuildAsync(cancellationToken);
            await app.StartAsync(cancellationToken);
            await app.ResourceNotifications.WaitForResourceHealthyAsync("api", cancellationToken);
            await app.ResourceNotifications.WaitForResourceHealthyAsync("streaming", cancellationToken);
            using var client = app.CreateHttpClient("api", "http");
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);

            using var created = await client.PostAsJsonAsync("/v1/kgent/sessions", new { }, cancellationToken);
            Assert.Equal(HttpStatusCode.Created, created.StatusCode);
            var session = await created.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);

            using var answered = await client.PostAsJsonAsync(
                $"/v1/kgent/sessions/{session.GetProperty("id").GetString()}/messages", new { message = "hello", stream = false }, cancellationToken);
            Assert.Equal(HttpStatusCode.OK, answered.StatusCode);
            var reply = await answered.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
            Assert.Equal("assistant", reply.GetProperty("role").GetString());
        }
        finally
        {
            store.Delete(recursive: true);
        }
    }

    private static bool IsOnPath(string command)
    {
        var file = OperatingSystem.IsWindows() ? $"{command}.exe" : command;
        var directories = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        return directories.Any(directory => File.Exists(Path.Combine(directory, file)));
    }

    private static string NewKey()
    {
        var prefix = RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz0123456789", 5);
        return $"kg_{prefix}_{Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32))}";
    }
}
