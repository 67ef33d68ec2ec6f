using Kgents.ServiceDefaults.Telemetry;
using Microsoft.Extensions.Options;

namespace Kgents.Streaming.Models;

/// <summary>Chooses the model by <c>ConnectionStrings:llm</c>; without one the built-in persona answers.</summary>
internal static class LanguageModelSetup
{
    public static void AddLanguageModels(this IHostApplicationBuilder builder)
    {
        // Read now: a connection string that cannot be used must stop the process, not the first turn.
        var connection = ModelConnection.Find(builder.Configuration);
        builder.Services.AddOptionsWithValidateOnStart<ModelOptions, ModelOptionsValidator>().BindConfiguration(ModelOptions.SectionName)
            .Validate(options => connection is not null || options.Allowed.Length == 0, "Model:Allowed names models, and ConnectionStrings:llm says nobody who has them.");
        builder.Services.AddSingleton(services => LanguageModels.Connect(
            connection,
            services.GetRequiredService<IOptions<ModelOptions>>().Value,
            services.GetRequiredService<IConfiguration>().IsTelemetryOn(),
            services.GetRequiredService<TimeProvider>(),
            services.GetRequiredService<ILogger<RetryingChatClient>>()));
    }
}
