using Kgents.Api;
using Kgents.ServiceDefaults;

return await Startup.RunAsync(args, Console.Error, async () =>
{
    var builder = WebApplication.CreateBuilder(args);
    builder.AddServiceDefaults("kgents-api");
    builder.AddKgentsApi();

    var app = builder.Build();
    app.MapDefaultEndpoints();
    app.MapKgentsApi();
    await app.RunAsync();
});
