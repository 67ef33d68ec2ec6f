using Kgents.ServiceDefaults;
using Kgents.Streaming;
using Kgents.Streaming.Models;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Streaming.Models;

public sealed class LanguageModelsTests
{
    /// <summary>What makes the spans keeps every piece of an answer in memory until its end.</summary>
    [Theory]
    [InlineData(null, false)]
    [InlineData("http://127.0.0.1:4317", true)]
    public async Task Model_IsTraced_OnlyWhenThereIsSomebodyToReadIt(string? endpoint, bool traced)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(
        [
            new("ConnectionStrings:nats", "nats://127.0.0.1:4222"),
            new("ConnectionStrings:llm", "Endpoint=http://127.0.0.1:1/v1;Model=m"),
            new("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ]);
        builder.AddServiceDefaults("kgents-tests");
        builder.AddKgentsStreaming();
        await using var app = builder.Build();

        var model = app.Services.GetRequiredService<LanguageModels>().Default.Client;

        Assert.Equal(traced, model.GetService<OpenTelemetryChatClient>() is not null);
    }
}
